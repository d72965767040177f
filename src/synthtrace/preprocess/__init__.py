"""From a scan to what is learnt from: region of interest, native and fixed crops, brightness maps."""
