"""The machine: devices, processors, memory and the libraries that engines need."""
