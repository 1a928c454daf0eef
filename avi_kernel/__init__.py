"""What runs inside an AVI: interface server, pipeline runner, client and connectors."""

__version__ = "0.1.0"
