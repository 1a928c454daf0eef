"""An AVI on its developer's own machine: its interface and its jobs in one place, with no Hub and no limits."""
