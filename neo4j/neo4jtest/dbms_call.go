package neo4jtest

import (
	"fmt"
	"strings"
)

// procedure is one that CALL may name.
type procedure struct {
	name      string
	params    []string // of STRING type, but for the routing context
	optional  int      // how many of the last params may be left out
	columns   []string
	admin     bool
	community bool
	run       func(r *runner, args []any) ([]map[string]any, *Failure)
}

// procedures is every emulated procedure, by lower-case name.
var procedures = map[string]procedure{
	"dbms.components":                      {name: "dbms.components", columns: []string{"name", "versions", "edition"}, community: true, run: (*runner).components},
	"dbms.info":                            {name: "dbms.info", columns: []string{"id", "name", "creationDate"}, community: true, run: (*runner).info},
	"db.ping":                              {name: "db.ping", columns: []string{"success"}, community: true, run: (*runner).ping},
	"dbms.showcurrentuser":                 {name: "dbms.showCurrentUser", columns: []string{"username", "roles", "flags"}, community: true, run: (*runner).showCurrentUser},
	"dbms.listconfig":                      {name: "dbms.listConfig", params: []string{"searchString"}, optional: 1, admin: true, community: true, run: (*runner).listConfig, columns: []string{"name", "description", "value", "dynamic", "defaultValue", "startupValue", "explicitlySet", "validValues"}},
	"dbms.setconfigvalue":                  {name: "dbms.setConfigValue", params: []string{"setting", "value"}, admin: true, run: (*runner).setConfigValue},
	"dbms.checkconfigvalue":                {name: "dbms.checkConfigValue", params: []string{"setting", "value"}, admin: true, columns: []string{"valid", "message"}, run: (*runner).checkConfigValue},
	"dbms.routing.getroutingtable":         {name: "dbms.routing.getRoutingTable", params: []string{"context", "database"}, optional: 1, columns: []string{"ttl", "servers"}, community: true, run: (*runner).getRoutingTable},
	"dbms.cluster.routing.getroutingtable": {name: "dbms.cluster.routing.getRoutingTable", params: []string{"context", "database"}, optional: 1, columns: []string{"ttl", "servers"}, community: true, run: (*runner).getRoutingTable},
}

// call runs a standalone CALL.
func (r *runner) call(cmd callCmd) (*result, *Failure) {
	proc, ok := procedures[strings.ToLower(cmd.procedure)]
	onAura := r.d.onAura() && (proc.name == "dbms.setConfigValue" || proc.name == "dbms.checkConfigValue")
	if !ok || proc.name != cmd.procedure || r.d.edition == EditionCommunity && !proc.community || onAura {
		return nil, r.noProcedure(cmd.procedure, ok && proc.name == cmd.procedure)
	}
	res := &result{kind: "s"}
	if strings.HasPrefix(proc.name, "db.") && r.t.db != systemDatabase { // these read; dbms.* are of the mode DBMS
		res.kind = "r"
	}
	out := table{columns: append([]string{}, proc.columns...)}
	if r.stmt.explain {
		res.explained, res.fields = true, proc.columns
		return res, nil
	}
	if failure := r.t.enter(kindRead, r.stmt.text); failure != nil {
		return nil, failure
	}
	if failure := r.prepare(); failure != nil {
		return nil, failure
	}
	if failure := r.mayCall(proc); failure != nil {
		return nil, failure
	}
	args, failure := r.arguments(proc, cmd)
	if failure != nil {
		return nil, failure
	}
	if out.rows, failure = proc.run(r, args); failure != nil && proc.admin {
		return nil, failure
	}
	res.late = failure
	for _, pr := range []*projection{cmd.yield, cmd.ret} {
		if pr == nil {
			continue
		}
		if out, failure = r.yieldColumns(pr, out); failure != nil {
			return nil, failure
		}
	}
	res.fields, res.rows = tableResult(out)
	if res.fields == nil {
		res.fields = []string{}
	}
	return res, nil
}

func (r *runner) yieldColumns(pr *projection, in table) (table, *Failure) {
	var unknown string
	for _, it := range pr.items {
		walkExpr(it.e, func(e expr) {
			if v, ok := e.(variableExpr); ok && !hasString(in.columns, v.name) {
				unknown = v.name
			}
		})
	}
	if unknown != "" {
		return table{}, r.dialect.chained(codeSyntaxError, "Unknown procedure output: `"+unknown+"`", false, invalidSyntax, cause{"42N62", "Variable `" + unknown + "` not defined."})
	}
	return pr.apply(in, &scope{params: r.params})
}

// noProcedure tells a procedure that real servers have from one that nobody has, as far as their first name goes.
func (r *runner) noProcedure(name string, emulated bool) *Failure {
	for _, prefix := range []string{"db.", "dbms.", "tx.", "genai.", "internal.", "apoc.", "gds."} {
		if strings.HasPrefix(name, prefix) && !emulated && r.d.edition != EditionCommunity && !strings.HasPrefix(prefix, "apoc") && !strings.HasPrefix(prefix, "gds") {
			return &Failure{Code: CodeNotEmulated, Message: "not emulated: CALL " + name}
		}
	}
	missing := "The procedure or function " + name + "() was not registered for this database instance. Verify that the spelling is correct."
	if r.dialect.calendar {
		missing = "The procedure " + name + "() was not found. Verify that the spelling is correct."
	}
	f := r.dialect.chained(codeProcedureNotFound, "There is no procedure with the name `"+name+"` registered for this database instance. "+
		"Please ensure you've spelled the procedure name correctly and that the procedure is properly deployed.", true, invalidSyntax,
		cause{"42N08", missing})
	if !r.dialect.calendar {
		f.Cause.Description = strings.Replace(f.Cause.Description, "no such procedure", "no such procedure or function", 1)
	}
	return f
}

func (r *runner) mayCall(p procedure) *Failure {
	if r.d.edition == EditionCommunity || r.ac.mayExecute(p.name, p.admin) == granted {
		return nil
	}
	if p.admin {
		return r.ac.withRoles("Executing admin procedure '" + p.name + "'")
	}
	return r.ac.withRoles("Executing procedure '" + p.name + "'")
}

func (r *runner) arguments(p procedure, cmd callCmd) ([]any, *Failure) {
	exprs := cmd.args
	if cmd.implicit {
		for _, name := range p.params {
			exprs = append(exprs, paramExpr{name})
		}
		exprs = exprs[:max(len(exprs)-p.optional, 0)]
	}
	if len(exprs) > len(p.params) || len(exprs) < len(p.params)-p.optional {
		return nil, r.dialect.chained(codeSyntaxError, fmt.Sprintf("Procedure call does not provide the required number of arguments: got %d expected %d.", len(exprs), len(p.params)), false,
			invalidSyntax, cause{"42I13", "The procedure call has a wrong number of arguments."})
	}
	args, failure := evalList(exprs, &scope{params: r.params})
	if failure != nil {
		return nil, failure
	}
	for i, v := range args {
		_, isString := v.(string)
		_, isMap := v.(map[string]any)
		if !isString && !(isMap && p.params[i] == "context") && !(v == nil && p.params[i] == "database") {
			return nil, typeError("Type mismatch: expected String but was %s", javaText(v))
		}
	}
	return args, nil
}

func (r *runner) components([]any) ([]map[string]any, *Failure) {
	edition := r.d.edition
	if r.d.onAura() {
		edition = EditionEnterprise
	}
	rows := []map[string]any{{"name": "Neo4j Kernel", "versions": []any{r.d.version}, "edition": edition}}
	if r.dialect.calendar {
		rows = append(rows, map[string]any{"name": "Cypher", "versions": []any{"5", "25"}, "edition": ""})
	}
	return rows, nil
}

// ping is what cypher-shell asks first.
func (r *runner) ping([]any) ([]map[string]any, *Failure) {
	return []map[string]any{{"success": true}}, nil
}

func (r *runner) info([]any) ([]map[string]any, *Failure) {
	return []map[string]any{{"id": "0000000000000000", "name": r.t.db, "creationDate": "2026-01-01T00:00:00Z"}}, nil
}

func (r *runner) showCurrentUser([]any) ([]map[string]any, *Failure) {
	row := map[string]any{"username": r.t.who.user, "roles": nil, "flags": []any{}}
	if r.d.edition != EditionCommunity {
		var roles []any
		for _, role := range r.ac.roles {
			roles = append(roles, role)
		}
		row["roles"] = roles
	}
	return []map[string]any{row}, nil
}

func (r *runner) getRoutingTable(args []any) ([]map[string]any, *Failure) {
	db := r.t.db
	if len(args) > 1 {
		if s, ok := args[1].(string); ok && s != "" {
			db = strings.ToLower(s)
		}
	}
	if db != systemDatabase && r.store.databases[db] == nil {
		return nil, r.dialect.chained(codeDatabaseNotFound, "Unable to get a routing table for database '"+db+"' because this database does not exist", false,
			cause{"22000", ""}, cause{"22N51", "A graph reference with the name `" + db + "` was not found. Verify that the spelling is correct."})
	}
	address := ""
	if ctx, ok := args[0].(map[string]any); ok {
		address, _ = ctx["address"].(string)
	}
	rt := r.t.m.routingTable(db, address)
	return []map[string]any{{"ttl": rt["ttl"], "servers": rt["servers"]}}, nil
}

func (r *runner) listConfig(args []any) ([]map[string]any, *Failure) {
	search := ""
	if len(args) > 0 {
		search, _ = args[0].(string)
	}
	r.d.mu.Lock()
	all := r.t.m.settings.rows(r.t.m.conf)
	r.d.mu.Unlock()
	var rows []map[string]any
	for _, s := range all {
		if strings.Contains(strings.ToLower(s["name"].(string)), strings.ToLower(search)) {
			rows = append(rows, map[string]any{"name": s["name"], "description": s["description"], "value": s["value"], "dynamic": s["isDynamic"],
				"defaultValue": s["defaultValue"], "startupValue": s["startupValue"], "explicitlySet": s["isExplicitlySet"], "validValues": s["validValues"]})
		}
	}
	return rows, nil
}

// setConfigValue takes effect at once, on this member, outside of the transaction.
func (r *runner) setConfigValue(args []any) ([]map[string]any, *Failure) {
	name, value := args[0].(string), args[1].(string)
	r.d.mu.Lock()
	defer r.d.mu.Unlock()
	m := r.t.m
	if message, _ := m.settings.check(name, value); message != "" {
		return nil, &Failure{Code: codeProcedureFailed, Message: "Failed to invoke procedure `dbms.setConfigValue`: Caused by: java.lang.IllegalArgumentException: " + message}
	}
	m.settings.set(name, value)
	if strings.HasPrefix(name, oidcPrefix) {
		m.generation++ // everybody who came through a provider logs in again
		m.keys.forget()
	}
	return nil, nil
}

func (r *runner) checkConfigValue(args []any) ([]map[string]any, *Failure) {
	name, value := args[0].(string), args[1].(string)
	r.d.mu.Lock()
	defer r.d.mu.Unlock()
	message, restart := r.t.m.settings.check(name, value)
	if restart {
		message = "requires restart"
	}
	return []map[string]any{{"valid": message == "" || restart, "message": message}}, nil
}
