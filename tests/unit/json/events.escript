#!/usr/bin/env escript
%% Reads terms in frames (4-byte big-endian length), and writes next to them what OTP makes of them:
%% FILE.text, a line a term: io_lib's "~tw", but the keys of maps of any size in order; FILE.etf: term_to_binary of each, in frames.
main([File]) ->
    {ok, Bytes} = file:read_file(File),
    Terms = [binary_to_term(Frame) || <<Size:32, Frame:Size/binary>> <= Bytes],
    ok = file:write_file(File ++ ".text", [[unicode:characters_to_binary(text(T)), $\n] || T <- Terms]),
    ok = file:write_file(File ++ ".etf", [begin B = term_to_binary(T), [<<(byte_size(B)):32>>, B] end || T <- Terms]),
    ok = file:write_file(File ++ ".zip", [begin B = term_to_binary(T, [compressed]), [<<(byte_size(B)):32>>, B] end || T <- Terms]).

text(M) when is_map(M) ->
    ["#{", lists:join($,, [[text(K), " => ", text(V)] || {K, V} <- lists:sort(maps:to_list(M))]), "}"];
text([_ | _] = L) -> ["[", lists:join($,, [text(E) || E <- L]), "]"];
text(T) -> io_lib:format("~tw", [T]).
