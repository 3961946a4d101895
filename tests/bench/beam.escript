#!/usr/bin/env escript
%%! +S 1:1 +sbwt none
%% beam.escript FRAMES ROUNDS: CPU time an event of binary_to_term over captured payloads: minimum of rounds, with the default heap and with
%% a large one. Prints "beam NANOSECONDS" and "beam_large_heap NANOSECONDS".
-mode(compile).

main([File, Rounds]) ->
    {ok, Bytes} = file:read_file(File),
    Frames = [binary:copy(Frame) || <<Size:32, Frame:Size/binary>> <= Bytes],
    io:format("beam ~b~n", [time(Frames, [], list_to_integer(Rounds))]),
    io:format("beam_large_heap ~b~n", [time(Frames, [{min_heap_size, 8000000}], list_to_integer(Rounds))]).

time(Frames, Options, Rounds) ->
    Self = self(),
    round(lists:min([begin
        {Pid, Ref} = spawn_opt(fun() ->
            {Start, _} = statistics(runtime),
            [decode(Frames) || _ <- lists:seq(1, 5)],
            {End, _} = statistics(runtime),
            Self ! {self(), End - Start}
        end, [monitor | Options]),
        receive {Pid, Ms} -> ok end,
        receive {'DOWN', Ref, _, _, _} -> ok end,
        Ms * 1000000 / 5 / length(Frames)
    end || _ <- lists:seq(1, Rounds)])).

decode([Frame | Rest]) -> _ = binary_to_term(Frame), decode(Rest);
decode([]) -> ok.
