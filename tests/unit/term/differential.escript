#!/usr/bin/env escript
%% The term core against OTP itself: differential.escript PEER [N [SEED]]
%% N random terms of all types go to the peer (differential-peer.c) in several encodings. Its text must be io_lib's, what it builds anew must
%% be the same term, its order and equality must be the emulator's, and N damaged payloads must be taken or refused as binary_to_term() does.
-mode(compile).

main([Peer | Args]) ->
    N = case Args of [A | _] -> list_to_integer(A); [] -> 3000 end,
    Seed = case Args of [_, B] -> list_to_integer(B); _ -> 1 end,
    io:setopts([{encoding, unicode}]),
    io:format("# ~b terms, seed ~b~nTAP version 13~n1..4~n", [N, Seed]),
    put(port, open_port({spawn_executable, Peer}, [{packet, 4}, binary, exit_status])),
    rand:seed(exsss, Seed),
    put(atoms, list_to_tuple([atom() || _ <- lists:seq(1, 400)])),
    Results = [run(1, "text", fun text/0, N), run(2, "rebuild", fun rebuild/0, N), run(3, "order", fun order/0, N),
               run(4, "verdict", fun verdict/0, N)],
    halt(case lists:all(fun(R) -> R end, Results) of true -> 0; false -> 1 end).

run(I, Name, F, N) ->
    Bad = lists:foldl(fun(_, Bad) -> case F() of
                                         ok -> Bad;
                                         {wrong, Why} when Bad < 5 -> io:format("# ~s: ~0tP~n", [Name, Why, 200]), Bad + 1;
                                         {wrong, _} -> Bad + 1
                                     end end, 0, lists:seq(1, N)),
    io:format("~sok ~b /term/differential/~s~n", [case Bad of 0 -> ""; _ -> "not " end, I, Name]),
    Bad > 0 andalso io:format("# ~b of ~b differ~n", [Bad, N]),
    Bad =:= 0.

ask(Request) ->
    Port = get(port),
    Port ! {self(), {command, Request}},
    receive {Port, {data, D}} -> D; {Port, {exit_status, S}} -> io:format("# the peer died: ~p on ~0tp~n", [S, iolist_to_binary(Request)]), halt(1) end.

%% ---- the four comparisons

text() ->
    T = plain(case rnd(20) of 1 -> 400; _ -> 30 end),
    Want = unicode:characters_to_binary(io_lib:format("~tw", [T])),
    same(ask(["p", encode(T)]), Want, T).

rebuild() ->
    T = any(case rnd(20) of 1 -> 1500; _ -> 40 end),
    Got = ask(["r", encode(T)]),
    %% OTP 25 does not find references of other than three words again as keys of large maps: its own copy differs then, too.
    case try binary_to_term(Got) =:= T catch _:_ -> false end orelse binary_to_term(term_to_binary(T)) =/= T of
        true -> ok;
        false -> {wrong, {T, Got}}
    end.

order() ->
    A = any(case rnd(20) of 1 -> 300; _ -> 12 end),
    B = case rnd(4) of 1 -> any(12); _ -> near(A) end,
    Bin = encode(A),
    Want = <<(if A < B -> 0; A == B -> 1; true -> 2 end), (case A =:= B of true -> 1; false -> 0 end)>>,
    same(ask([$c, <<(byte_size(Bin)):32>>, Bin, encode(B)]), Want, {A, B}).

verdict() ->
    Bin = damage(case rnd(3) of 1 -> raw(); _ -> encode(any(10)) end),
    Ours = ask(["v", Bin]),
    %% BEAM takes these by mistake: its internal atom table's tags (which may crash it) and references without words.
    Slip = lists:any(fun(P) -> binary:match(Ours, P) =/= nomatch end, [<<"unknown tag 73">>, <<"unknown tag 75">>, <<"reference of 0 words">>]),
    Theirs = Slip orelse try {_, Used} = binary_to_term(Bin, [used]), Used =:= byte_size(Bin) catch error:badarg -> false end,
    %% binary_to_term() leaves alone what stands behind the term; inside compressed data it does not even tell.
    Behind = binary:match(Bin, <<131, 80>>) =:= {0, 2} andalso binary:match(Ours, <<"bytes behind">>) =/= nomatch,
    case Slip orelse Behind orelse (Ours =:= <<"ok">>) =:= Theirs of
        true -> ok;
        false -> {wrong, {Bin, Ours, {taken_by_beam, Theirs}}}
    end.

same(X, X, _) -> ok;
same(Got, Want, T) -> {wrong, {T, {got, Got}, {want, Want}}}.

encode(T) ->
    case rnd(6) of
        1 -> term_to_binary(T, [{minor_version, 2}]);
        2 -> term_to_binary(T, [{minor_version, 0}]);
        3 -> term_to_binary(T, [compressed]);
        _ -> term_to_binary(T)
    end.

%% ---- random terms

rnd(N) -> rand:uniform(N).
pick(L) -> lists:nth(rnd(length(L)), L).

%% Terms whose text is io_lib's too: no pids, ports, references or funs, maps of at most 32 keys.
plain(Size) -> term(Size, plain).
any(Size) -> term(Size, any).

term(Size, Kind) when Size =< 1 -> leaf(Kind);
term(Size, Kind) ->
    case rnd(6) of
        1 -> leaf(Kind);
        2 -> list_to_tuple(parts(Size, Kind));
        3 -> parts(Size, Kind);
        4 -> case parts(Size, Kind) of [] -> []; L -> L ++ leaf(Kind) end;
        _ -> L = parts(Size, Kind),
             Keys = case Kind of plain -> lists:sublist(L, 32); any -> L end,
             maps:from_list([{key(K), term(2, Kind)} || K <- Keys])
    end.

key(K) -> case rnd(3) of 1 -> K; 2 -> atom_of_pool(); 3 -> small() end.
parts(Size, Kind) -> N = rnd(case Size > 100 of true -> 60; false -> 6 end) - 1, [term((Size - 1) div max(1, N), Kind) || _ <- lists:seq(1, N)].

leaf(plain) -> case rnd(9) of
        1 -> small(); 2 -> big(); 3 -> float_(); 4 -> atom_of_pool(); 5 -> bin(rnd(20) - 1); 6 -> bits(); 7 -> [rnd(256) - 1 || _ <- lists:seq(1, rnd(10))];
        8 -> pick([[], {}, #{}, <<>>, true, nil, 0.0, -0.0, 1, 1.0]); 9 -> case rnd(20) of 1 -> hugebig(); 2 -> bin(3000); _ -> small() end
    end;
leaf(any) -> case rnd(8) of 1 -> pid_(); 2 -> port_(); 3 -> ref(); 4 -> pick([fun lists:map/2, fun a:b/0, fun a:b/1, fun b:a/255, fun erlang:self/0, fun_()]); _ -> leaf(plain) end.

small() -> case rnd(4) of 1 -> rnd(5) - 3; 2 -> rnd(70000) - 35000; 3 -> edge(pick([8, 27, 28, 31, 32])); 4 -> rnd(256) - 1 end.
big() -> case rnd(3) of 1 -> edge(pick([53, 59, 60, 63, 64, 72, 80])); 2 -> sign() * rnd(1 bsl rnd(130)); 3 -> sign() * rnd(1 bsl 64) end.
hugebig() -> sign() * (1 bsl (rnd(20000)) + rnd(1 bsl 64)).
edge(Bits) -> sign() * ((1 bsl Bits) + rnd(5) - 3).
sign() -> pick([1, -1]).
float_() ->
    case rnd(7) of
        1 -> <<F/float>> = finite(rnd(1 bsl 64) - 1), F;
        2 -> <<F/float>> = finite(rnd(2046) bsl 52), F;
        3 -> <<F/float>> = finite(rnd(1 bsl rnd(52))), F;
        4 -> sign() * float(rnd(1 bsl rnd(60)));
        5 -> rnd(100000000) / 1000 * sign();
        6 -> sign() * (9007199254740992.0 + rnd(2000) - 1000);
        7 -> sign() * float(1 bsl rnd(1000))
    end.
finite(I) -> case (I bsr 52) band 2047 of 2047 -> finite(I bxor (1 bsl 55)); _ -> <<I:64>> end.
bin(N) -> list_to_binary([rnd(256) - 1 || _ <- lists:seq(1, N)]).
bits() -> N = rnd(40), <<(rnd(1 bsl N) - 1):N>>.
atom_of_pool() -> element(rnd(400), get(atoms)).
atom() ->
    Char = fun() -> case rnd(8) of 1 -> rnd(256) - 1; 2 -> 16#400 + rnd(256); 3 -> 16#1F600 + rnd(50); 4 -> $A + rnd(26) - 1; 5 -> pick("_@09 '\\\n\t"); _ -> $a + rnd(26) - 1 end end,
    case rnd(20) of
        1 -> pick(['after', 'and', 'maybe', else, 'end', '', 'receive', true, nil, query]);
        2 -> list_to_atom([Char() || _ <- lists:seq(1, 255)]);
        3 -> list_to_atom([16#1F600 || _ <- lists:seq(1, 255)]);
        4 -> list_to_atom([223 + rnd(33) - 1]);
        _ -> list_to_atom([Char() || _ <- lists:seq(1, rnd(8))])
    end.
node_name() -> pick([<<119, 3, "a@b">>, <<100, 0, 3, "a@b">>, <<119, 3, "b@b">>, <<119, 4, "aa@b">>, <<115, 3, 233, "@b">>]).
raw_term(B) -> binary_to_term(<<131, B/binary>>).
pid_bin() -> case rnd(4) of 1 -> <<103, (node_name())/binary, (rnd(4)):32, (rnd(3)):32, (rnd(4) - 1)>>; _ -> <<88, (node_name())/binary, (rnd(4)):32, (rnd(3)):32, (rnd(3)):32>> end.
pid_() -> raw_term(pid_bin()).
port_bin() -> case rnd(4) of
        1 -> <<102, (node_name())/binary, (rnd(4)):32, (rnd(4) - 1)>>; 2 -> <<89, (node_name())/binary, (rnd(4)):32, (rnd(4)):32>>;
        _ -> <<120, (node_name())/binary, (pick([1, 2, 1 bsl 40])):64, (rnd(3)):32>> end.
port_() -> raw_term(port_bin()).
ref_bin() -> W = rnd(5), case rnd(4) of
        1 -> <<101, (node_name())/binary, (rnd(4)):32, (rnd(4) - 1)>>;
        2 -> <<114, W:16, (node_name())/binary, (rnd(4) - 1), (words(W))/binary>>;
        _ -> <<90, W:16, (node_name())/binary, (rnd(3)):32, (words(W))/binary>> end.
%% No zero at the end: references that differ in such words alone are =:=, and yet two keys in large maps of OTP 25, which hash their words.
words(N) -> <<(<< <<(rnd(3) - 1):32>> || _ <- lists:seq(2, N) >>)/binary, (rnd(2)):32>>.
ref() -> raw_term(ref_bin()).
%% BEAM knows a fun by module, index and old uniq, and keeps arity and checksum of the first it sees: so they are functions of those.
fun_bin() ->
    Free = rnd(4) - 1, Index = pick([1, 2, 3, 16#80000005]), Uniq = rnd(4) - 2,
    Body = <<1, 0:128, Index:32, Free:32, (pick([<<119, 1, "m">>, <<119, 1, "n">>]))/binary, 97, Index, 98, Uniq:32, (pid_bin())/binary, (iolist_to_binary([[97, rnd(3)] || _ <- lists:seq(1, Free)]))/binary>>,
    <<112, (byte_size(Body) + 4):32, Body/binary>>.
fun_() -> raw_term(fun_bin()).

%% Encodings that term_to_binary() does not write.
raw() ->
    <<131, (raw_body(3))/binary>>.
raw_body(D) when D =< 0 -> raw_leaf();
raw_body(D) ->
    case rnd(8) of
        1 -> L = rnd(3) - 1, <<108, L:32, (raws(L, D - 1))/binary, (raw_body(D - 1))/binary>>;
        2 -> L = rnd(3) - 1, <<105, L:32, (raws(L, D - 1))/binary>>;
        3 -> L = rnd(4) - 1, <<116, L:32, (raws(2 * L, D - 1))/binary>>;
        4 -> <<108, 1:32, (raw_body(D - 1))/binary, (pick([<<106>>, <<107, 0, 2, 1, 2>>, <<107, 0, 0>>, <<108, 0:32, 106>>]))/binary>>;
        5 -> L = rnd(3) - 1, <<104, L, (raws(L, D - 1))/binary>>;
        _ -> raw_leaf()
    end.
raws(N, D) -> iolist_to_binary([raw_body(D) || _ <- lists:seq(1, N)]).
raw_leaf() ->
    case rnd(12) of
        1 -> pid_bin(); 2 -> port_bin(); 3 -> ref_bin(); 4 -> fun_bin();
        5 -> T = iolist_to_binary([pick(["", "-", "+"]), pick(["1", "12", "0", ""]), pick([".", ",", ""]), pick(["5", "", "25"]), pick(["", "e5", "E-3", "e+400", "e"])]), <<99, T/binary, 0:((31 - byte_size(T)) * 8)>>;
        6 -> N = rnd(4) - 1, <<77, N:32, (rnd(10) - 1), (bin(N))/binary>>;
        7 -> N = rnd(10) - 1, <<110, N, (rnd(3) - 1), (bin(N))/binary>>;
        8 -> N = rnd(3) - 1, <<111, N:32, 0, (bin(N))/binary>>;
        9 -> <<113, 119, 1, "m", 119, 1, "f", (pick([<<97, 1>>, <<98, 1:32>>, <<110, 1, 0, 5>>, <<110, 5, 0, 1, 0, 0, 0, 1>>, <<98, 255, 255, 255, 255>>, <<106>>, <<108, 0:32, 97, 1>>]))/binary>>;
        10 -> <<70, (pick([1.0, 0.0, -0.0]))/float>>;
        11 -> pick([<<100, 0, 1, "a">>, <<119, 1, "a">>, <<115, 1, "a">>, <<118, 0, 1, "a">>, <<109, 1:32, "a">>, <<97, 1>>, <<98, 1:32>>, <<110, 1, 0, 1>>]);
        12 -> pick([<<119, 2, 195, 169>>, <<119, 1, 255>>, <<119, 2, 192, 128>>, <<119, 3, 237, 160, 128>>, <<100, 0, 1, 233>>, <<106>>, <<80, 2:32, (zlib:compress(<<97, 1>>))/binary>>])
    end.

damage(B) ->
    Size = byte_size(B),
    case rnd(6) of
        1 -> B;
        2 -> binary:part(B, 0, rnd(Size) - 1);
        3 -> <<B/binary, (rnd(256) - 1)>>;
        _ -> At = rnd(min(Size, 200)) - 1, <<H:At/binary, X, T/binary>> = B,
             <<H/binary, (case rnd(4) of 1 -> X bxor (1 bsl (rnd(8) - 1)); 2 -> X + 1; 3 -> pick([97, 98, 70, 99, 100, 115, 118, 119, 104, 105, 106, 107, 108, 109, 77, 110, 111, 116, 88, 103, 89, 102, 120, 90, 101, 114, 112, 113, 117, 121, 80, 131]); 4 -> rnd(256) - 1 end), T/binary>>
    end.

%% A term that differs from T in little or nothing.
near(T) when is_integer(T) -> case rnd(4) of 1 -> T; 2 -> try float(T) catch _:_ -> T end; 3 -> T + sign(); 4 -> -T end;
near(T) when is_float(T) -> case rnd(4) of 1 -> T; 2 -> trunc(T); 3 -> trunc(T) + sign(); 4 -> -T end;
near(T) when is_tuple(T), T =/= {} -> I = rnd(tuple_size(T)), setelement(I, T, near(element(I, T)));
near([H | T]) -> case rnd(5) of 1 -> [near(H) | T]; 2 -> [H]; 3 -> T; _ -> [H | near(T)] end;
near(T) when is_map(T), T =/= #{} -> K = pick(maps:keys(T)), V = maps:get(K, T), case rnd(3) of 1 -> T#{K := near(V)}; 2 -> (maps:remove(K, T))#{near(K) => V}; 3 -> T end;
near(T) when is_bitstring(T) -> N = bit_size(T), case rnd(3) of 1 -> <<T/bitstring, 0:(rnd(9))>>; 2 when N > 0 -> M = rnd(N) - 1, <<R:M/bitstring, _/bitstring>> = T, R; _ -> T end;
near(T) when is_pid(T) -> pid_();
near(T) when is_port(T) -> port_();
near(T) when is_reference(T) -> ref();
near(T) when is_function(T) -> case rnd(3) of 1 -> T; _ -> fun_() end;
near(T) when is_atom(T) -> case rnd(3) of 1 -> T; _ -> atom_of_pool() end;
near(T) -> T.
