#!/usr/bin/env escript
%% Works the codecs of Erlang/OTP's megaco over the messages of a file: rows of a name, a version and the message as pretty text,
%% compact text and BER in hexadecimal digits. What is to be done comes on standard input; who asks takes the time.
%%
%%   in    pretty|compact|ber decode|encode PASSES
%%   out   ready pretty READ WRITTEN compact READ WRITTEN ber READ WRITTEN     how many of the messages it can read and write
%%         done
%%
%% escript peer.escript FILE
%%! +S 1:1 -kernel logger_level none
-mode(compile).

main([File]) ->
    {ok, Content} = file:read_file(File),
    Lines = binary:split(Content, <<"\n">>, [global]),
    Rows = [binary:split(Row, <<"\t">>, [global]) || <<First, _/binary>> = Row <- Lines, First =/= $#],
    %% With the scanner in C, as it is used where it matters.
    {ok, Ports} = megaco_flex_scanner:start(),
    Forms = [{"pretty", megaco_pretty_text_encoder, [{flex, Ports}], 3},
             {"compact", megaco_compact_text_encoder, [{flex, Ports}], 4}, {"ber", megaco_ber_encoder, [], 5}],
    Loads = [load(Form, Rows) || Form <- Forms],
    Counts = [[" ", Name, " ", integer_to_list(length(Coded)), " ", integer_to_list(length(Written))]
              || {Name, _, _, Coded, Written} <- Loads],
    io:format("ready~s~n", [Counts]),
    serve(Loads).

load({Name, Module, Config, Column}, Rows) ->
    Coded = [binary:decode_hex(lists:nth(Column, Row)) || Row <- Rows],
    Messages = [begin {ok, Message} = Module:decode_message(Config, dynamic, Bytes), Message end || Bytes <- Coded],
    %% A message's own version is in it. Some of what was read cannot be written again.
    Pairs = [{element(2, element(3, Message)), Message} || Message <- Messages],
    Written = [Pair || {Version, Message} = Pair <- Pairs,
               {ok, _} <- [catch Module:encode_message(Config, Version, Message)]],
    {Name, Module, Config, Coded, Written}.

serve(Loads) ->
    case io:get_line("") of
        Line when is_list(Line) ->
            [Name, What, Passes] = string:lexemes(Line, " \n"),
            {_, Module, Config, Coded, Written} = lists:keyfind(Name, 1, Loads),
            Work = case What of
                "decode" -> fun() -> [{ok, _} = Module:decode_message(Config, dynamic, Bytes) || Bytes <- Coded], ok end;
                "encode" -> fun() -> [{ok, _} = Module:encode_message(Config, V, M) || {V, M} <- Written], ok end
            end,
            %% A process of its own with a large heap, so that collections of garbage are few.
            {Pid, Monitor} = spawn_opt(fun() -> repeat(Work, list_to_integer(Passes)) end,
                                       [monitor, {min_heap_size, 1000000}]),
            receive {'DOWN', Monitor, process, Pid, normal} -> io:format("done~n") end,
            serve(Loads);
        _ -> ok
    end.

repeat(_, 0) -> ok;
repeat(Work, Count) -> Work(), repeat(Work, Count - 1).
