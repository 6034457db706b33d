package neo4jtest

// backend is the seam between the wire (Bolt framing, handshake, state machine) and the emulated DBMS behind it. The wire knows nothing of Cypher
// or security, the DBMS nothing of bytes.
type backend interface {
	// login checks a Bolt auth map ({scheme, principal, credentials, realm}). now is not passed: the backend owns its clock.
	// A *Failure here makes the wire send FAILURE and close the connection, as real servers do.
	login(auth map[string]any) (*principal, *Failure)
	// begin opens a transaction for a session. auto says that it is an auto-commit one, of exactly one run.
	begin(p *principal, opts txOptions) (transaction, *Failure)
	// route answers a ROUTE message with the table that SUCCESS carries as "rt" (ttl, db, servers), for db ("" is the home database). address is the routing context's "address", "" when absent.
	route(p *principal, db, address string) (map[string]any, *Failure)
	// agent is the product line sent in HELLO, "Neo4j/5.26.30".
	agent() string
	// address is the advertised Bolt address, host:port, sent in LOGON's SUCCESS from Bolt 5.8.
	address() string
}

// txOptions are the parts of RUN's and BEGIN's extra map that change what a transaction does.
type txOptions struct {
	db          string // as sent; "" for the home database
	mode        string // "w" unless the client said "r"
	auto        bool
	bookmarks   []string
	impersonate string // imp_user
	metadata    map[string]any
	timeoutMS   int64
}

// transaction is one open transaction. The wire calls it from one goroutine at a time; commit or rollback is called exactly once.
type transaction interface {
	// run executes one statement and returns its whole result: sandbox-sized data is held in memory, the wire cuts it into batches.
	run(query string, params map[string]any) (*result, *Failure)
	// commit makes the effects visible and returns the bookmark.
	commit() (bookmark string, failure *Failure)
	rollback()
}

// principal is a logged-in identity, one for each connection.
type principal struct {
	name               string // what SHOW CURRENT USER calls it
	credentialsExpired bool   // native user whose password must be changed
	state              any    // the backend's own
}

// result is what a statement gave. Values in rows are Go's nil, bool, int64, float64, string, []byte, []any, map[string]any and the structures of structs.go
// (node, relationship) of this package.
type result struct {
	fields        []string
	rows          [][]any
	kind          string         // query type: r, w, rw or s
	db            string         // the database named in the summary
	homeDB        bool           // the session named no database: from 5.8 RUN's SUCCESS carries db
	stats         map[string]any // nil when nothing changed
	notifications []notification
	show          bool     // a SHOW command: its completion status is 00000 even without rows
	late          *Failure // told when the first rows are asked for, in their stead: what servers find out only then
	explained     bool     // EXPLAIN: nothing ran, so the completion status is 00001 whatever the columns
}

// notification is a hint beside a successful result, told in the shape of the connection's Bolt version.
type notification struct {
	gqlStatus, code, title, description, statusDescription string
	severity, category                                     string // WARNING or INFORMATION; SECURITY, UNRECOGNIZED, …
	position                                               *position
}

// position is a place in a statement's text; offset counts from 0, line and column from 1.
type position struct{ offset, line, column int64 }

// Failure is a server's refusal, told in the shape of the connection's Bolt version (code and message up to 5.6; with GQL status from 5.7).
type Failure struct {
	Code        string // Neo.ClientError.Statement.SyntaxError
	Message     string
	GQLStatus   string // "" means the default 50N42 without diagnostic record
	Description string
	Cause       *Failure // only GQLStatus, Message, Description and Cause are used
	Position    *position

	bare bool // the status comes without diagnostic record
}

// Error makes a Failure an error: code and message.
func (f *Failure) Error() string { return f.Code + ": " + f.Message }
