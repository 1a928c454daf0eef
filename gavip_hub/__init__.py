"""The platform: the Hub's configuration, the service, its scheduler and its spawners."""

__version__ = "0.1.0"
