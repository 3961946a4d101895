#!/usr/bin/env escript
%%! +S 1:1
%% Runs the cases of a file through BEAM's processes and prints one line a case: its number, then what happened. signal-diff-test.c makes
%% the cases, runs them through our actors and compares.
%%
%% One scheduler, and the highest priority: a process does the whole list of a step before any other sees what it sent.
-module(signal_diff).
-mode(compile).
-export([main/1]).

main([File]) ->
    logger:set_primary_config(level, none),
    %% Loaded before: a process that meets a module for the first time waits for the code server, and others run.
    ok = code:ensure_modules_loaded([ets, io_lib, io_lib_format, io_lib_pretty, lists, maps, timer]),
    {ok, Cases} = file:consult(File),
    ets:new(log, [named_table, public, ordered_set]),
    ets:new(pids, [named_table, public, ordered_set]),
    Drivers = [spawn_monitor(fun() -> exit({text, drive(N, Actors, Steps)}) end) || {N, Actors, Steps} <- Cases],
    [receive {'DOWN', M, _, P, Why} -> report(N, Why) end || {{P, M}, {N, _, _}} <- lists:zip(Drivers, Cases)].

report(N, {text, Text}) -> io:format("~w ~s~n", [N, Text]);
report(N, Why) -> io:format("~w driver ~0p~n", [N, Why]).

drive(N, Actors, Steps) ->
    [start(N, A, []) || A <- Actors],
    Ends = end_step(N, #{}),
    lists:join(" / ", steps(N, Steps, Ends)).

steps(N, [], _) ->
    [exit(pid(N, A), kill) || A <- letters(N)],
    [];
steps(N, [{A, Ops, Wait} | Steps], Ends) ->
    case pid(N, A) of
        none -> ok;
        P -> P ! {run, Ops}
    end,
    settle(N),
    Wait andalso timer:sleep(100),
    New = end_step(N, Ends),
    Text = [[atom_to_list(B), "[", entries(N, B), "]", state(N, B, New)] || B <- letters(N)],
    [lists:join(" ", Text) | steps(N, Steps, New)].

letters(N) -> ets:select(pids, [{{{N, '$1'}, '_'}, [], ['$1']}]).

entries(N, A) ->
    Keys = ets:select(log, [{{{N, A, '$1'}, '$2'}, [], [{{'$1', '$2'}}]}]),
    [ets:delete(log, {N, A, K}) || {K, _} <- Keys],
    lists:join("|", [T || {_, T} <- Keys]).

state(N, A, Ends) ->
    P = pid(N, A),
    case process_info(P, [links, monitors, registered_name, trap_exit]) of
        undefined -> ["=", maps:get(A, Ends)];
        [{_, L}, {_, M}, {_, Name}, {_, Trap}] ->
            Links = lists:sort([atom_to_list(letter(N, Q)) || Q <- L, is_pid(Q)]),
            io_lib:format("{~s;~w;~s;~w}", [lists:append(Links), length(M), plain(Name), Trap])
    end.

%% Watches who is new, after all is quiet, and collects the ends of those it watches.
end_step(N, Ends) ->
    settle(N),
    Watched = [A || A <- letters(N), get({watched, A}) =:= undefined],
    [put({watched, A}, monitor(process, pid(N, A))) || A <- Watched],
    Ended = [A || A <- letters(N), not maps:is_key(A, Ends), not is_process_alive(pid(N, A))],
    maps:merge(Ends, maps:from_list([{A, reason(get({watched, A}))} || A <- Ended])).

reason(M) -> receive {'DOWN', M, _, _, Why} -> io_lib:format("~0p", [Why]) end.

%% As many rounds as a chain of exits can be long.
settle(N) -> [[ping(pid(N, A)) || A <- letters(N)] || _ <- lists:seq(1, 8)].

ping(P) ->
    M = monitor(process, P),
    P ! {ping, self(), M},
    receive M -> demonitor(M, [flush]); {'DOWN', M, _, _, _} -> is_process_alive(P) end.

pid(N, A) -> case ets:lookup(pids, {N, A}) of [{_, P}] -> P; [] -> none end.

letter(N, P) -> case ets:select(pids, [{{{N, '$1'}, P}, [], ['$1']}]) of [A] -> A; [] -> '?' end.

name(N, Name) -> list_to_atom(atom_to_list(Name) ++ "_" ++ integer_to_list(N)).

plain([]) -> "";
plain(Name) -> lists:takewhile(fun(C) -> C =/= $_ end, atom_to_list(Name)).

%% ---- an actor

start(N, A, Options) ->
    {P, Ref} = case spawn_opt(fun() -> loop(N, A) end, Options) of {_, _} = Both -> Both; Alone -> {Alone, none} end,
    ets:insert(pids, {{N, A}, P}),
    Ref.

note(N, A, Format, Args) ->
    ets:insert(log, {{N, A, erlang:unique_integer([monotonic])}, io_lib:format(Format, Args)}).

loop(N, A) ->
    receive
        {run, Ops} ->
            process_flag(priority, max),
            [op(N, A, Op) || Op <- Ops],
            erase(fresh),
            case erase(stop) of undefined -> receive_noproc(); Why -> exit(Why) end,
            process_flag(priority, normal);
        {ping, From, Tag} -> From ! Tag;
        {msg, From, K} -> note(N, A, "~w:~w", [From, K]);
        {timeout, _, {msg, From, K}} -> note(N, A, "~~~w:timeout~w", [From, K]);
        {later, From, K} -> note(N, A, "~~~w:after~w", [From, K]);
        {'EXIT', From, Why} -> note(N, A, "~w:EXIT:~0p", [letter(N, From), Why]);
        {'DOWN', Ref, process, P, Why} when is_pid(P) -> note(N, A, "~w:DOWN~w:~0p", [letter(N, P), index(Ref, monitors), Why]);
        {'DOWN', Ref, process, {Name, _}, Why} -> note(N, A, "~s:DOWN~w:~0p", [plain(Name), index(Ref, monitors), Why])
    end,
    loop(N, A).

%% References by their number in order of making.
keep(Ref, Kind) -> put(Kind, kept(Kind) ++ [Ref]).
kept(Kind) -> case get(Kind) of undefined -> []; L -> L end.
index(Ref, Kind) -> length(lists:takewhile(fun(R) -> R =/= Ref end, kept(Kind))).
nth(K, Kind) -> case length(kept(Kind)) of 0 -> none; L -> lists:nth(K rem L + 1, kept(Kind)) end.

op(N, A, {spawn, B, Options}) ->
    case start(N, B, Options) of none -> ok; Ref -> keep(Ref, monitors) end,
    note(N, A, "-:spawned", []);
op(N, A, {send, B, K}) -> to(N, B, fun(P) -> P ! {msg, A, K} end);
op(N, A, {send_name, Name, K}) -> note(N, A, "-:~w", [try name(N, Name) ! {msg, A, K}, true catch error:badarg -> false end]);
op(_, _, {trap, Trap}) -> process_flag(trap_exit, Trap);
op(N, A, {exit, A, Why}) -> receive_noproc(), to(N, A, fun(P) -> exit(P, Why) end);
op(N, _, {exit, B, Why}) -> to(N, B, fun(P) -> exit(P, Why) end);
op(_, _, {stop, Why}) -> put(stop, Why);
op(N, _, {link, B}) -> to(N, B, fun link_as_remote/1);
op(N, _, {unlink, B}) -> to(N, B, fun unlink_as_remote/1);
op(N, _, {monitor, B}) -> to(N, B, fun(P) -> watch(P, P) end);
op(N, _, {monitor_name, Name}) -> watch(name(N, Name), whereis(name(N, Name)));
op(N, A, {demonitor, K, Options}) ->
    case nth(K, monitors) of none -> ok; Ref -> note(N, A, "-:~w", [demonitor_as_remote(Ref, Options)]) end;
op(N, A, {register, Name}) -> note(N, A, "-:~w", [try register(name(N, Name), self()) catch error:badarg -> false end]);
op(_, _, unregister) ->
    case process_info(self(), registered_name) of {_, Name} -> unregister(Name); [] -> ok end;
op(N, A, {whereis, Name}) -> note(N, A, "-:~w", [case whereis(name(N, Name)) of undefined -> none; P -> letter(N, P) end]);
op(N, A, {send_after, Ms, B, K}) -> to(N, B, fun(P) -> keep(erlang:send_after(Ms, P, {later, A, K}), timers) end);
op(N, A, {start_timer, Ms, B, K}) -> to(N, B, fun(P) -> keep(erlang:start_timer(Ms, P, {msg, A, K}), timers) end);
op(N, A, {cancel, K}) ->
    case nth(K, timers) of none -> ok; Ref -> note(N, A, "-:~w", [erlang:cancel_timer(Ref) =/= false]) end.

to(N, B, Fun) -> case pid(N, B) of none -> ok; P -> Fun(P) end.

%% The DOWN of a dead local process is there when monitor/2 returns; ours, as of a remote one, is on its way until the step is over: a
%% demonitor in the same step is in time.
watch(What, P) ->
    Ref = monitor(process, What),
    keep(Ref, monitors),
    P =:= self() orelse put(fresh, [Ref | fresh()]).

fresh() -> case get(fresh) of undefined -> []; L -> L end.

demonitor_as_remote(Ref, Options) ->
    case lists:member(Ref, fresh()) of
        true -> put(fresh, lists:delete(Ref, fresh())), demonitor(Ref, [flush]);
        false -> demonitor(Ref, [info | Options])
    end.

%% link/1 raises for a dead local pid unless it is trapping. Ours is the asynchronous form that remote pids get: one link, whose exit signal
%% `noproc` is handled behind the step, unless it was unlinked.
link_as_remote(P) ->
    Trap = process_flag(trap_exit, false),
    try link(P) catch error:noproc -> put(noproc, lists:delete(P, noproc()) ++ [P]) end,
    process_flag(trap_exit, Trap).

unlink_as_remote(P) ->
    put(noproc, lists:delete(P, noproc())),
    unlink(P).

noproc() -> case get(noproc) of undefined -> []; L -> L end.

receive_noproc() ->
    Dead = noproc(),
    erase(noproc),
    case process_info(self(), trap_exit) of
        {_, true} -> [self() ! {'EXIT', P, noproc} || P <- Dead];
        {_, false} -> Dead =:= [] orelse exit(noproc)
    end.
