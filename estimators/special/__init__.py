"""Special functions and their derivatives, in torch: of the gamma and beta laws and others."""
