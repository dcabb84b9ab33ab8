#!/usr/bin/env escript
%% Erlang/OTP's megaco as a peer on loopback: its codecs, its transports and its transaction layer. What it asks and what it
%% answers comes from the test, on standard input; what it hears goes to the test, on standard output. Both are compact text
%% in hexadecimal digits, whatever the peer speaks on the wire:
%%
%%   in    call HEX          sends the actions of a transaction request
%%         answer HEX        answers the request that was printed last with the actions of a reply
%%   out   ready             it listens, or is connected
%%         heard HEX         the actions of a request, as a request
%%         result HEX        the actions of a reply to a call, as a reply
%%         failed TERM       a call that got no actions
%%         trouble TERM      a message that it could not read, or an error of the whole message
%%
%% escript peer.escript listen|connect udp|tcp pretty|compact|binary MID VERSION ADDRESS PORT
%%! +S 1:1 -kernel logger_level none
-mode(compile).
-export([handle_connect/2, handle_connect/3, handle_disconnect/3, handle_syntax_error/3, handle_syntax_error/4,
         handle_message_error/3, handle_message_error/4, handle_trans_request/3, handle_trans_request/4,
         handle_trans_long_request/3, handle_trans_reply/4, handle_trans_reply/5, handle_trans_ack/4,
         handle_trans_ack/5, handle_unexpected_trans/3, handle_unexpected_trans/4,
         handle_trans_request_abort/4, handle_trans_request_abort/5]).

main([Role, Transport, Form, Name, Version, Host, Port]) ->
    register(desk, self()),
    put(version, list_to_integer(Version)),
    {ok, Address} = inet:parse_address(Host),
    Mid = {domainName, {'DomainName', Name, asn1_NOVALUE}},
    ok = application:start(megaco),
    ok = megaco:start_user(Mid, [{user_mod, ?MODULE}, {user_args, []}, {protocol_version, get(version)}]),
    Plain = megaco:user_info(Mid, receive_handle),
    %% The record of a receive handle: its name, our identifier, the codec, the codec's configuration, the transport.
    Encoded = setelement(3, setelement(4, Plain, []), codec(Form)),
    Handle = setelement(5, Encoded, transport(Transport)),
    Connection = open(Role, Transport, Handle, Address, list_to_integer(Port)),
    Desk = self(),
    spawn_link(fun() -> read(Desk) end),
    serve(Connection, none).

codec("pretty") -> megaco_pretty_text_encoder;
codec("compact") -> megaco_compact_text_encoder;
codec("binary") -> megaco_binary_encoder.

transport("udp") -> megaco_udp;
transport("tcp") -> megaco_tcp.

open("listen", "udp", Handle, Address, Port) ->
    {ok, Sup} = megaco_udp:start_transport(),
    {ok, _, _} = megaco_udp:open(Sup, [{port, Port}, {receive_handle, Handle}, {udp_options, [{ip, Address}]}]),
    say("ready", []),
    none;
open("listen", "tcp", Handle, Address, Port) ->
    {ok, Sup} = megaco_tcp:start_transport(),
    ok = megaco_tcp:listen(Sup, [{port, Port}, {receive_handle, Handle}, {tcp_options, [{ip, Address}]}]),
    say("ready", []),
    none;
open("connect", "udp", Handle, Address, Port) ->
    {ok, Sup} = megaco_udp:start_transport(),
    {ok, Socket, Control} =
        megaco_udp:open(Sup, [{port, 0}, {receive_handle, Handle}, {udp_options, [{ip, Address}]}]),
    connect(Handle, megaco_udp:create_send_handle(Socket, Address, Port), Control);
open("connect", "tcp", Handle, Address, Port) ->
    {ok, Sup} = megaco_tcp:start_transport(),
    {ok, Socket, Control} =
        megaco_tcp:connect(Sup, [{host, Address}, {port, Port}, {receive_handle, Handle}]),
    connect(Handle, Socket, Control).

connect(Handle, Send, Control) ->
    {ok, Connection} = megaco:connect(Handle, preliminary_mid, Send, Control),
    say("ready", []),
    Connection.

%% The connection is the last one over which something was heard, so that a listener can call back.
serve(Connection, Asker) ->
    receive
        {connected, Other} -> serve(Other, Asker);
        {heard, From, Other, Version, Actions} ->
            %% A registration is of version 1, whatever is agreed on by it.
            say("heard ~s", [text(Version, {transactionRequest, {'TransactionRequest', 1, Actions}})]),
            serve(Other, {From, Version});
        {trouble, What} ->
            say("trouble ~0p", [What]),
            serve(Connection, Asker);
        {line, "call " ++ Hex} ->
            {transactionRequest, {'TransactionRequest', _, Actions}} = term(get(version), Hex),
            Desk = self(),
            spawn_link(fun() -> Desk ! {ended, megaco:call(Connection, Actions, [])} end),
            serve(Connection, Asker);
        {line, "answer " ++ Hex} ->
            {From, Version} = Asker,
            {transactionReply, Reply} = term(Version, Hex),
            {actionReplies, Actions} = element(4, Reply),
            %% Who was asked is gone when the reply is sent: a call that comes next must not overtake it.
            Gone = monitor(process, From),
            From ! {answer, Actions},
            receive {'DOWN', Gone, process, _, _} -> ok after 20 -> demonitor(Gone, [flush]) end,
            serve(Connection, none);
        {line, Line} -> throw({unknown, Line});
        {ended, {_, {ok, Actions}}} ->
            say("result ~s", [text(get(version), {transactionReply, reply(get(version), {actionReplies, Actions})})]),
            serve(Connection, Asker);
        {ended, Other} ->
            say("failed ~0p", [Other]),
            serve(Connection, Asker);
        eof -> halt(0)
    end.

read(Desk) ->
    case io:get_line("") of
        Line when is_list(Line) ->
            Desk ! {line, string:trim(Line)},
            read(Desk);
        _ -> Desk ! eof
    end.

say(Format, Arguments) -> io:format(Format ++ "~n", Arguments).

%% In version 3 a reply may be a segment.
reply(3, Result) -> {'TransactionReply', 1, asn1_NOVALUE, Result, asn1_NOVALUE, asn1_NOVALUE};
reply(_, Result) -> {'TransactionReply', 1, asn1_NOVALUE, Result}.

%% A term as compact text, and back.
text(Version, Transaction) ->
    Mid = {domainName, {'DomainName', "desk", asn1_NOVALUE}},
    Message = {'MegacoMessage', asn1_NOVALUE, {'Message', Version, Mid, {transactions, [Transaction]}}},
    case megaco_compact_text_encoder:encode_message([], Version, Message) of
        {ok, Text} -> [io_lib:format("~2.16.0b", [Octet]) || <<Octet>> <= Text];
        {error, Why} -> say("trouble ~0p", [{unprintable, Why, Transaction}]), ""
    end.

term(Version, Hex) ->
    {ok, {'MegacoMessage', _, {'Message', _, _, {transactions, [Transaction]}}}} =
        megaco_compact_text_encoder:decode_message([], Version, octets(Hex)),
    named(Transaction).

%% The scanner makes all letters small, and the tables of the binary codec do not find the names that have great ones.
named("meth") -> "Meth";
named(Term) when is_tuple(Term) -> list_to_tuple([named(Part) || Part <- tuple_to_list(Term)]);
named([First | Rest]) -> [named(First) | named(Rest)];
named(Term) -> Term.

octets([High, Low | Rest]) -> Octet = list_to_integer([High, Low], 16), More = octets(Rest), <<Octet, More/binary>>;
octets([]) -> <<>>.

handle_connect(Connection, _) -> desk ! {connected, Connection}, ok.
handle_connect(Connection, _, _) -> desk ! {connected, Connection}, ok.
handle_disconnect(Connection, _, Why) -> _ = megaco:cancel(Connection, Why), ok.
handle_syntax_error(_, _, Error) -> desk ! {trouble, Error}, reply.
handle_syntax_error(_, _, Error, _) -> desk ! {trouble, Error}, reply.
handle_message_error(_, _, Error) -> desk ! {trouble, Error}, no_reply.
handle_message_error(_, _, Error, _) -> desk ! {trouble, Error}, no_reply.
handle_trans_request(Connection, Version, Actions) ->
    desk ! {heard, self(), Connection, Version, Actions},
    receive {answer, Replies} -> {discard_ack, Replies} end.
handle_trans_request(Connection, Version, Actions, _) -> handle_trans_request(Connection, Version, Actions).
handle_trans_long_request(_, _, _) -> {discard_ack, []}.
handle_trans_reply(_, _, Reply, _) -> desk ! {trouble, {late, Reply}}, ok.
handle_trans_reply(_, _, Reply, _, _) -> desk ! {trouble, {late, Reply}}, ok.
handle_trans_ack(_, _, _, _) -> ok.
handle_trans_ack(_, _, _, _, _) -> ok.
handle_unexpected_trans(_, _, _) -> ok.
handle_unexpected_trans(_, _, _, _) -> ok.
handle_trans_request_abort(_, _, _, _) -> ok.
handle_trans_request_abort(_, _, _, _, _) -> ok.
