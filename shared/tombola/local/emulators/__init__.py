"""Google's emulators, and what stands in where Google has none: started and stopped on this machine, on free ports."""
