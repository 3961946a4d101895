#!/usr/bin/env escript
%% Runs the cases of a file through OTP's supervisor and prints one line a case: its number and what happened, joined by '|'.
%% supervisor-diff-test.c makes the cases, runs them through ours and compares.
-module(sup_diff).
-mode(compile).
-behaviour(gen_server).
-export([main/1, init/1, kid/5, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

main([File]) ->
    logger:set_primary_config(level, none),
    {ok, Cases} = file:consult(File),
    [io:format("~w ~s~n", [N, run(Flags, Kids, Ops)]) || {N, Flags, Kids, Ops} <- Cases].

run(Flags, Kids, Ops) ->
    ets:new(log, [named_table, public, ordered_set]),
    ets:new(starts, [named_table, public]),
    ets:new(pids, [named_table, public]),
    Self = self(),
    {Driver, Mon} = spawn_monitor(fun() -> process_flag(trap_exit, true), drive(Flags, Kids, Ops), Self ! done end),
    receive done -> receive {'DOWN', Mon, _, Driver, _} -> ok end;
            {'DOWN', Mon, _, Driver, Why} -> log("driver ~0p", [Why])
    after 20000 -> log("stuck", []), exit(Driver, kill) end,
    Text = lists:join("|", [T || {_, T} <- ets:tab2list(log)]),
    [ets:delete(T) || T <- [log, starts, pids]],
    Text.

log(Format, Args) -> ets:insert(log, {erlang:unique_integer([monotonic]), io_lib:format(Format, Args)}).

drive({Strategy, Intensity, Auto}, Kids, Ops) ->
    Flags = #{strategy => Strategy, intensity => Intensity, period => 3600, auto_shutdown => Auto},
    case supervisor:start_link(?MODULE, {sup, Flags, [spec(K) || K <- Kids]}) of
        {ok, Sup} -> log("started", []), ops(Sup, Ops);
        {error, Why} -> log("failed ~0p", [Why])
    end.

spec({Id, Restart, Significant, Trap, Shutdown, Outcomes}) ->
    #{id => Id, start => {?MODULE, kid, [Id, Trap, Outcomes, x, y]}, restart => Restart, significant => Significant, shutdown => Shutdown}.

ops(Sup, []) -> exit(Sup, shutdown), gone(Sup);
ops(Sup, [Op | Ops]) ->
    log("> ~0p", [Op]),
    try op(Sup, Op) of
        _ -> receive {'EXIT', Sup, Why} -> log("EXIT ~0p", [Why]) after 0 -> ops(Sup, Ops) end
    catch exit:_ -> gone(Sup)
    end.

gone(Sup) -> receive {'EXIT', Sup, Why} -> log("EXIT ~0p", [Why]) end.

op(Sup, {die, Id, R}) -> ending(Sup, Id, fun(P) -> P ! {die, R} end, true);
op(Sup, {kill, Id}) -> ending(Sup, Id, fun(P) -> exit(P, kill) end, true);
op(Sup, {exit, Id, R}) -> ending(Sup, Id, fun(P) -> exit(P, R) end, maybe_dies);
op(Sup, {terminate, Id}) -> reply(supervisor:terminate_child(Sup, Id));
op(Sup, {restart, Id}) -> reply(supervisor:restart_child(Sup, Id));
op(Sup, {delete, Id}) -> reply(supervisor:delete_child(Sup, Id));
op(Sup, {add, Kid}) -> reply(supervisor:start_child(Sup, spec(Kid)));
op(Sup, which) ->
    log("children~s", [[[" ", atom_to_list(I), ":", if is_pid(P) -> "running"; true -> atom_to_list(P) end] || {I, P, _, _} <- supervisor:which_children(Sup)]]);
op(Sup, count) -> log("count ~w ~w ~w ~w", [proplists:get_value(K, supervisor:count_children(Sup)) || K <- [specs, active, supervisors, workers]]).

reply({ok, undefined}) -> log("reply {ok,undefined}", []);
reply({ok, _}) -> log("reply ok", []);
reply(ok) -> log("reply ok", []);
reply({error, {already_started, _}}) -> log("reply {error,already_started}", []);
reply({error, {Why, Child}}) when element(1, Child) == child -> log("reply {error,{~0p,~0p}}", [Why, element(3, Child)]);
reply(Other) -> log("reply ~0p", [Other]).

%% Ends the kid and waits until the supervisor has dealt with it.
ending(Sup, Id, Fun, Dies) ->
    case ets:lookup(pids, Id) of
        [{Id, P}] ->
            case is_process_alive(P) of
                true ->
                    M = monitor(process, P),
                    Fun(P),
                    Ended = Dies == true orelse (catch gen_server:call(P, ping)) =/= pong,
                    Ended andalso receive {'DOWN', M, _, _, _} -> settle(Sup, P) end;
                false -> log("none", [])
            end;
        [] -> log("none", [])
    end.

settle(Sup, P) ->
    Pids = [Q || {_, Q, _, _} <- supervisor:which_children(Sup)],
    case lists:member(P, Pids) orelse lists:member(restarting, Pids) of
        true -> settle(Sup, P);
        false -> ok
    end.

%% ---- kids
kid(Id, Trap, Outcomes, _, _) -> gen_server:start_link(?MODULE, {kid, Id, Trap, Outcomes}, []).

init({sup, Flags, Kids}) -> {ok, {Flags, Kids}};
init({kid, Id, Trap, Outcomes}) ->
    process_flag(trap_exit, Trap),
    N = ets:update_counter(starts, Id, 1, {Id, 0}),
    ets:insert(pids, {Id, self()}),
    case lists:nth(min(N, length(Outcomes)), Outcomes) of
        $f -> log("fail ~w", [Id]), {stop, nope};
        $i -> log("ignore ~w", [Id]), ignore;
        $. -> log("up ~w", [Id]), {ok, Id}
    end.

handle_call(ping, _, Id) -> {reply, pong, Id}.
handle_cast(_, Id) -> {noreply, Id}.
handle_info({die, R}, Id) -> {stop, R, Id};
handle_info(_, Id) -> {noreply, Id}.
terminate(R, Id) -> log("down ~w ~0p", [Id, R]).
