# Terms, JSON and the inflater. hemera_fuzz()'s libFuzzer runs want -dict=tests/fuzz/etf.dict and json.dict.
hemera_fuzz(fuzz-etf etf.c LINK hemera_codec)
hemera_fuzz(fuzz-json json.c LINK hemera_codec)
hemera_fuzz(fuzz-inflater inflater.c LINK hemera_codec)
