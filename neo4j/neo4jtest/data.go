package neo4jtest

import (
	"maps"
	"strconv"
)

// storedNode is a node of a graph.
type storedNode struct {
	ID         int64
	Labels     []string
	Properties map[string]any
}

// storedRelationship is a relationship of a graph.
type storedRelationship struct {
	ID, Start, End int64
	Type           string
	Properties     map[string]any
}

// graph is a database's content. A published one never changes: a transaction writes to a clone.
type graph struct {
	nodes     map[int64]*storedNode
	rels      map[int64]*storedRelationship
	lastNode  int64
	lastRel   int64
	labels    map[string]bool // tokens: names that were ever used, which need no CREATE NEW … privilege
	types     map[string]bool
	propNames map[string]bool
}

func newGraph() *graph {
	return &graph{nodes: map[int64]*storedNode{}, rels: map[int64]*storedRelationship{}, lastNode: -1, lastRel: -1,
		labels: map[string]bool{}, types: map[string]bool{}, propNames: map[string]bool{}}
}

func (g *graph) clone() *graph {
	c := *g
	c.nodes, c.rels = map[int64]*storedNode{}, map[int64]*storedRelationship{}
	for id, n := range g.nodes {
		c.nodes[id] = &storedNode{n.ID, append([]string{}, n.Labels...), maps.Clone(n.Properties)}
	}
	for id, r := range g.rels {
		c.rels[id] = &storedRelationship{r.ID, r.Start, r.End, r.Type, maps.Clone(r.Properties)}
	}
	c.labels, c.types, c.propNames = maps.Clone(g.labels), maps.Clone(g.types), maps.Clone(g.propNames)
	return &c
}

// elementID is the text form of an identity.
func elementID(id int64) string {
	return "4:00000000-0000-0000-0000-000000000001:" + strconv.FormatInt(id, 10)
}

func relElementID(id int64) string {
	return "5:00000000-0000-0000-0000-000000000001:" + strconv.FormatInt(id, 10)
}

func (n *storedNode) element(db string) element {
	return element{db: db, kind: "NODE", names: n.Labels, properties: n.Properties}
}

func (r *storedRelationship) element(db string) element {
	return element{db: db, kind: "RELATIONSHIP", names: []string{r.Type}, properties: r.Properties}
}

// sortedIDs lists a map's identities in order.
func sortedIDs[V any](m map[int64]V) []int64 {
	ids := make([]int64, 0, len(m))
	for id := range m {
		ids = append(ids, id)
	}
	for i := 1; i < len(ids); i++ {
		for j := i; j > 0 && ids[j] < ids[j-1]; j-- {
			ids[j], ids[j-1] = ids[j-1], ids[j]
		}
	}
	return ids
}

// graphRun executes the clauses of one query as a session may see and change the graph.
type graphRun struct {
	*runner
	g     *graph // what is read; the working copy after the first write
	db    string
	stats map[string]int64
	rows  []map[string]any
	vars  []string // in order of first appearance
}

// query runs a statement on the session's database.
func (r *runner) query(cmd queryCmd) (*result, *Failure) {
	kind := queryKind(cmd)
	if r.t.db == systemDatabase {
		return nil, r.notOnSystem(cmd)
	}
	res := &result{kind: kind}
	if r.stmt.explain {
		res.explained, res.fields = true, queryFields(cmd)
		return res, nil
	}
	writes := kind != "r"
	name := kindRead
	if writes {
		name = kindWrite
	}
	if failure := r.t.enter(name, r.stmt.text); failure != nil {
		return nil, failure
	}
	if writes && r.t.opts.mode == "r" {
		return nil, r.dialect.chained(codeAccessMode, "Writing in read access mode not allowed. Attempted write to "+r.t.db, false,
			cause{"08N03", "Failed to write to graph `" + r.t.db + "`. Check the defined access mode in both driver and database."}, cause{"42N02", "Writing in read access mode not allowed."})
	}
	if writes {
		if failure := r.t.m.refuseWrite(); failure != nil {
			return nil, failure
		}
	}
	if failure := r.prepare(); failure != nil {
		return nil, failure
	}
	if r.d.edition == EditionCommunity {
		r.ac.all = true
	}
	if r.ac.mayDatabase("ACCESS", r.t.db) != granted {
		return nil, r.ac.withRoles("ACCESS on database '" + r.t.db + "'")
	}
	return r.runClauses(cmd, res, writes)
}

func (r *runner) runClauses(cmd queryCmd, res *result, writes bool) (*result, *Failure) {
	run := &graphRun{runner: r, db: r.t.db, stats: map[string]int64{}, rows: []map[string]any{{}}}
	if writes {
		if failure := r.openForWriting(); failure != nil {
			return nil, failure
		}
	}
	run.g = r.t.graph
	if run.g == nil {
		run.g = r.store.databases[r.t.db].graph
	}
	res.fields, res.rows = []string{}, [][]any{}
	for _, c := range cmd.clauses {
		out, failure := run.clause(c)
		if failure != nil {
			return nil, failure
		}
		if out != nil {
			fields, rows := tableResult(*out)
			for _, row := range rows {
				for i := range row {
					row[i] = run.wireValue(row[i])
				}
			}
			res.fields, res.rows = fields, rows
		}
	}
	if len(run.stats) > 0 {
		res.stats = map[string]any{"contains-updates": true}
		for k, v := range run.stats {
			res.stats[k] = v
		}
	}
	return res, nil
}

// openForWriting takes the database's write lock and a working copy, once a transaction.
func (r *runner) openForWriting() *Failure {
	if r.t.graph != nil {
		return nil
	}
	if failure := r.d.locks.acquire(r.t, "graph "+r.t.db); failure != nil {
		return failure
	}
	r.d.mu.Lock()
	defer r.d.mu.Unlock()
	record := r.d.live.databases[r.t.db]
	if record == nil {
		return r.dialect.chained(codeDatabaseNotFound, "Graph not found: "+r.t.db, false, invalidSyntax, databaseMissing(r.t.db))
	}
	r.t.graph = record.graph.clone()
	return nil
}

// notOnSystem is the refusal of graph statements on system.
func (r *runner) notOnSystem(cmd queryCmd) *Failure {
	var unsupported []string
	for _, c := range cmd.clauses {
		if n := clauseName(c); n != "RETURN" && !hasString(unsupported, n) {
			unsupported = append(unsupported, n)
		}
	}
	if len(unsupported) == 0 {
		message := "Not a recognised system command or procedure. This Cypher command can only be executed in a user database: " + r.stmt.text
		return r.dialect.chained(codeSemanticError, message, true, invalidSyntax, cause{"42N17", "'" + r.stmt.text + "' is not allowed on the system database."})
	}
	list := ""
	for i, n := range unsupported {
		if i > 0 {
			list += ", "
		}
		list += n
	}
	const supported = "The system database supports a restricted set of Cypher clauses. " +
		"The supported clause structure for procedure calls is: CALL, YIELD, RETURN. YIELD and RETURN clauses are optional. The order of the clauses is fixed and each can only occur once."
	chain := []cause{invalidSyntax, {"42N17", "'" + list + "' is not allowed on the system database."}}
	if r.dialect.calendar {
		chain = append(chain, cause{"42NA9", "The system database supports a restricted set of Cypher clauses. The supported clauses include procedure calls (if the procedure is allowed), " +
			"a subset of show and terminate commands, and combinations of the two. 'YIELD' and 'RETURN' are also permitted when combined with procedure calls, show, or terminate commands."})
	}
	return r.dialect.chained(codeSemanticError, "The following unsupported clauses were used: "+list+". \n"+supported, true, chain...)
}

func clauseName(c clause) string {
	switch c.(type) {
	case matchClause:
		return "MATCH"
	case createClause:
		return "CREATE"
	case mergeClause:
		return "MERGE"
	case unwindClause:
		return "UNWIND"
	case setClause:
		return "SET"
	case removeClause:
		return "REMOVE"
	case deleteClause:
		return "DELETE"
	}
	return "RETURN"
}

// queryKind is r, w or rw.
func queryKind(cmd queryCmd) string {
	writes, returns := false, false
	for _, c := range cmd.clauses {
		switch c.(type) {
		case createClause, mergeClause, setClause, removeClause, deleteClause:
			writes = true
		case returnClause:
			returns = true
		}
	}
	switch {
	case writes && returns:
		return "rw"
	case writes:
		return "w"
	}
	return "r"
}

func queryFields(cmd queryCmd) []string {
	fields := []string{}
	if c, ok := cmd.clauses[len(cmd.clauses)-1].(returnClause); ok {
		for _, it := range c.projection.items {
			fields = append(fields, it.alias)
		}
	}
	return fields
}

// wireValue makes stored elements the structures that clients get, with the properties that the session may read.
func (q *graphRun) wireValue(v any) any {
	switch v := v.(type) {
	case *storedNode:
		return node{id: v.ID, elementID: elementID(v.ID), labels: append([]string{}, v.Labels...), properties: q.readable(v.element(q.db))}
	case *storedRelationship:
		return relationship{id: v.ID, start: v.Start, end: v.End, elementID: relElementID(v.ID), startElementID: elementID(v.Start), endElementID: elementID(v.End),
			kind: v.Type, properties: q.readable(v.element(q.db))}
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = q.wireValue(v[i])
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, item := range v {
			out[k] = q.wireValue(item)
		}
		return out
	}
	return v
}

func (q *graphRun) readable(e element) map[string]any {
	out := map[string]any{}
	for k, v := range e.properties {
		if q.ac.mayRead(e, k) {
			out[k] = v
		}
	}
	return out
}

// scopeOf is what expressions of one row see.
func (q *graphRun) scopeOf(row map[string]any) *scope {
	return &scope{params: q.params, vars: row, property: q.readProperty, labels: q.labelsOf}
}

func (q *graphRun) readProperty(of any, name string) (any, bool) {
	var e element
	switch of := of.(type) {
	case *storedNode:
		e = of.element(q.db)
	case *storedRelationship:
		e = of.element(q.db)
	default:
		return nil, false
	}
	if v, ok := e.properties[name]; ok && q.ac.mayRead(e, name) {
		return v, true
	}
	return nil, true
}

func (q *graphRun) labelsOf(of any) ([]string, bool) {
	switch of := of.(type) {
	case *storedNode:
		return of.Labels, true
	case *storedRelationship:
		return []string{of.Type}, true
	}
	return nil, false
}
