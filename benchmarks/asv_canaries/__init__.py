"""What asv reads: a dozen fixed canaries of variance, bias, time and memory (see asv.conf.json)."""
