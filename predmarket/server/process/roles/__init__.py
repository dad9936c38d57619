"""The halves of an exchange as processes of their own: a core, a gateway, several gateways."""
