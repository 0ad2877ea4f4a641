"""What goes with a deleted workspace: at first out of use, after thirty days for good. In steps that may be repeated and broken off."""
