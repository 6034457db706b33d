// Package bolt sends transactions over Neo4j's Bolt protocol, all statements of one at once.
//
// It is there for one reason: the official driver waits for the answer to each statement of a transaction before it sends the next, so that a transaction of two
// hundred statements takes two hundred round trips. Here it takes two. BEGIN and all statements go out together, and when all of them were answered well, COMMIT
// goes out by itself: a connection that is lost before that has written nothing, which is why COMMIT does not go with the rest.
//
//	conn, err := bolt.Dial(ctx, bolt.Server{Address: "localhost:7687", Auth: auth, UserAgent: "keymaker"})
//	done, err := conn.Begin(ctx, bolt.Transaction{Database: "system", Statements: statements})
//	bookmark, err := conn.Commit(ctx)
//
// What it speaks is Bolt 5.0 to 5.8 as the Bolt manual has it (neo4j.com/docs/bolt/current), and of that what such a transaction takes: no rows, no routing, no
// pool, no second try. Whoever needs these, or meets a server that speaks something else, uses the driver.
package bolt
