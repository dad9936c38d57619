"""Small scripts that `make` calls; none of them is shipped."""
