"""An AVI on its developer's own machine: its interface, its jobs and a page of them, with no Hub; in the platform's image where that is wished."""
