"""The Library Service's hold on the outside world, one subpackage per technology."""
