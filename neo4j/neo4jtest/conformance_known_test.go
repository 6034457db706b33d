package neo4jtest

// differences are the exchanges in which the emulator is known not to answer as real servers do.
func differences() []difference {
	const (
		graph    = "the emulator's graph is there to show what privileges are worth: it plans nothing, and so knows nothing of what only a planner notices"
		settings = "the recorded server is embedded, where Bolt and authentication are off unless said; the emulator has the defaults of a server started from neo4j.conf"
		causes   = "statuses below the code and the message, which 5.26 leaves out or fills from the message's own words; programs go by code and message"
	)
	return []difference{
		{"^(state|hello|logon)", gqlStatuses, "the causes of a malformed message name types and bytes of the server's own decoder"},
		{"^handshake (6|manifest)", wholeAnswer, "Bolt 6 is not emulated: everything that speaks it speaks 5.8 too"},
		{"^create user, refused: RUN .CREATE USER(S|.*(CHANGE REQUIRED|SET AUTH 'native'))", wordsToo, "of several mistakes in a statement, or several places of one, the parsers name different ones"},
		{"^create user, refused: RUN .(CREATE USER .*(SET ENCRYPTED|[$]u SET PASSWORD [$]p)|DROP USER [$]u)", gqlStatuses, causes},
		{"^alter user: RUN .ALTER USER .* REMOVE AUTH ''", gqlStatuses, causes},
		{"^unsupported commands, 25: RUN .GRANT", gqlStatuses, causes},
		{"^procedures: PULL", gqlStatuses, causes},
		{"^(settings: PULL|driver, .*: SHOW SETTINGS)", embedded, settings},
		{"^notifications: .*PULL", wholeAnswer, graph},
		{"^other failures: (RUN .RETURN|PULL)", wholeAnswer, graph},
		{"^other failures: RUN .(\"| |SHOW USERS|USE|/\\*)", wordsToo, "where a text that is no statement goes wrong is the parser's own notion; so are the words about its language"},
		{"^other failures: RUN ./\\*", wholeAnswer, "5.26 fails inside on a comment that is not closed; the emulator refuses the text"},
		{"^procedures: RUN .CALL dbms.components.*(nosuch|1)", wordsToo, "the signature of a procedure is not kept"},
		{"^databases: types", wholeAnswer, "the emulator keeps no times of its databases"},
		{"^users as commands: RUN .SHOW USERS AS", wordsToo, "Cypher 5 takes AS for the user whose privileges are asked for, and stumbles a word later"},
	}
}
