"""A fleet of devices that are not there, over real sockets: what `simulate` runs."""
