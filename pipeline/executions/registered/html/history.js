// The page shows all that it has: nothing is filtered or unpacked.
