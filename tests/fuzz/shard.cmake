hemera_fuzz(fuzz-machine machine.c ../unit/shard/rig.c LINK hemera_actors PkgConfig::ZLIB)
