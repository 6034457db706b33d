package neo4jtest

import (
	"fmt"
	"sort"
	"strconv"
)

// item is one column of RETURN, or of YIELD, where e is a variable.
type item struct {
	e     expr
	alias string // the column's name: the alias, or the text as written
	named bool   // AS was written
}

// sortKey is one key of ORDER BY. text is the key as written, to recognise a column spelled out again.
type sortKey struct {
	e    expr
	text string
	desc bool
}

// projection is what RETURN says, or YIELD with its own ORDER BY, SKIP, LIMIT and WHERE.
type projection struct {
	star     bool
	items    []item
	distinct bool
	order    []sortKey
	skip     expr // nil when absent
	limit    expr
	where    expr // YIELD only
}

// tail is what may follow a SHOW command.
type tail struct {
	yield *projection // nil when absent
	where expr        // bare WHERE
	ret   *projection
}

// table is rows with their columns in order.
type table struct {
	columns []string
	rows    []map[string]any
}

// returnItems reads the columns of RETURN.
func (p *parser) returnItems(pr *projection) {
	if p.acceptSign("*") {
		pr.star = true
		if p.sign(",") {
			panic(notEmulated("RETURN *, more columns"))
		}
		return
	}
	for {
		start := p.cur().start
		e := p.parenthesised()
		it := item{e: e, alias: p.src.slice(start, p.tokens[p.at-1].end)}
		if v, ok := e.(variableExpr); ok {
			it.alias = v.name
		}
		if p.accept("AS") {
			it.alias, it.named = p.symbolicName(), true
		}
		pr.items = append(pr.items, it)
		if !p.acceptSign(",") {
			return
		}
	}
}

// orderSkipLimit reads what follows columns. literal says that only integer literals are taken, as after SHOW.
func (p *parser) orderSkipLimit(pr *projection, literal bool) {
	if p.accept("ORDER", "BY") {
		for {
			start := p.cur().start
			key := sortKey{e: p.parenthesised()}
			key.text = p.src.slice(start, p.tokens[p.at-1].end)
			if p.accept("DESC|DESCENDING") {
				key.desc = true
			} else {
				p.accept("ASC|ASCENDING")
			}
			pr.order = append(pr.order, key)
			if !p.acceptSign(",") {
				break
			}
		}
	}
	if p.accept("SKIP|OFFSET") {
		pr.skip = p.rowCount(literal)
	}
	if p.accept("LIMIT") {
		pr.limit = p.rowCount(literal)
	}
}

func (p *parser) rowCount(literal bool) expr {
	if literal {
		if p.cur().kind != tokenInt {
			p.unexpected("an integer value")
		}
		return p.number(false)
	}
	return p.expression()
}

// showTail reads YIELD, WHERE and RETURN after a SHOW command whose columns are these. defaults counts those that stand without YIELD.
func (p *parser) showTail(columns []string, defaults int) tail {
	var t tail
	if p.accept("WHERE") {
		t.where = p.checked(columns[:defaults])
		return t
	}
	if !p.accept("YIELD") {
		return t
	}
	t.yield = &projection{}
	visible := p.yieldItems(t.yield, columns)
	p.orderSkipLimit(t.yield, true)
	for _, key := range t.yield.order {
		p.checkScope(key.e, visible)
	}
	if p.accept("WHERE") {
		t.yield.where = p.checked(visible)
	}
	if p.accept("RETURN") {
		t.ret = &projection{distinct: p.accept("DISTINCT")}
		p.returnItems(t.ret)
		p.orderSkipLimit(t.ret, true)
		p.checkReturn(t.ret, visible)
	}
	return t
}

// checked reads an expression that may use these variables only.
func (p *parser) checked(visible []string) expr {
	e := p.parenthesised()
	p.checkScope(e, visible)
	if isAggregate(e) {
		p.refuse(&syntaxError{offset: p.cur().start, message: "Invalid use of aggregating function in this context", gql: "42I18"})
	}
	return e
}

func (p *parser) checkReturn(pr *projection, visible []string) {
	after := append([]string{}, visible...)
	for _, it := range pr.items {
		p.checkScope(it.e, visible)
		after = append(after, it.alias)
	}
	for _, key := range pr.order {
		p.checkScope(key.e, after)
	}
}

// yieldItems reads YIELD's columns and returns the names they have afterwards.
func (p *parser) yieldItems(pr *projection, columns []string) []string {
	if p.acceptSign("*") {
		pr.star = true
		return columns
	}
	var names []string
	seen := map[string]bool{}
	for {
		t := p.cur()
		column := p.symbolicName()
		if !hasString(columns, column) {
			p.refuse(p.noColumn(column, t.start, columns))
		}
		it := item{e: variableExpr{column, t.start}, alias: column}
		if p.accept("AS") {
			it.alias, it.named = p.symbolicName(), true
		}
		if seen[it.alias] {
			p.refuse(&syntaxError{offset: t.start, message: "Multiple result columns with the same name are not supported: `" + it.alias + "`", gql: "42N38"})
		}
		seen[it.alias] = true
		pr.items, names = append(pr.items, it), append(names, it.alias)
		if !p.acceptSign(",") {
			return names
		}
	}
}

// noColumn has other words for settings, and in calendar versions for databases, than for everything else (seen on Neo4j 5.26 and 2026.08 Community).
func (p *parser) noColumn(column string, at int, columns []string) *syntaxError {
	if hasString(columns, "isDynamic") || p.dialect.calendar && hasString(columns, "currentStatus") {
		return &syntaxError{offset: at, message: "Trying to YIELD non-existing column: `" + column + "`", gql: "22N04", on5: true,
			sentence: "Invalid input '" + column + "' for YIELD."}
	}
	return &syntaxError{offset: at, message: "Variable `" + column + "` not defined", sentence: "Variable `" + column + "` not defined.", gql: "42N62"}
}

func hasString(list []string, s string) bool {
	for _, have := range list {
		if have == s {
			return true
		}
	}
	return false
}

// checkScope refuses unknown variables, and the subqueries that SHOW commands do not take.
func (p *parser) checkScope(e expr, visible []string) {
	switch e := e.(type) {
	case nil:
		return
	case subqueryExpr:
		p.refuse(&syntaxError{offset: p.cur().start, message: e.kind + " subqueries are not valid on SHOW commands", gql: "42N22"})
	case variableExpr:
		if !hasString(visible, e.name) {
			p.refuse(&syntaxError{offset: e.offset, message: "Variable `" + e.name + "` not defined", sentence: "Variable `" + e.name + "` not defined.", gql: "42N62"})
		}
	case comprehensionExpr:
		p.checkScope(e.list, visible)
		inner := append(append([]string{}, visible...), e.variable)
		p.checkScope(e.where, inner)
		p.checkScope(e.yield, inner)
		return
	}
	for _, child := range children(e) {
		p.checkScope(child, visible)
	}
}

// apply runs a SHOW command's tail over its whole table; defaults counts the columns that stand without YIELD.
func (t tail) apply(in table, defaults int, params map[string]any) (table, *Failure) {
	if t.yield == nil {
		in.columns = in.columns[:defaults]
		return filterRows(in, t.where, params)
	}
	out, failure := t.yield.apply(in, &scope{params: params})
	if failure != nil || t.ret == nil {
		return out, failure
	}
	return t.ret.apply(out, &scope{params: params})
}

func filterRows(in table, where expr, params map[string]any) (table, *Failure) {
	if where == nil {
		return in, nil
	}
	kept := in.rows[:0:0]
	for _, row := range in.rows {
		keep, failure := eval(where, &scope{params: params, vars: row})
		if failure != nil {
			return table{}, failure
		}
		if keep == true {
			kept = append(kept, row)
		}
	}
	in.rows = kept
	return in, nil
}

// apply projects rows. base brings parameters and the way to read graph values.
func (pr *projection) apply(in table, base *scope) (table, *Failure) {
	items := pr.items
	if pr.star {
		for _, c := range in.columns {
			items = append(items, item{e: variableExpr{name: c}, alias: c})
		}
	}
	rows, failure := projectRows(items, in.rows, base)
	if failure != nil {
		return table{}, failure
	}
	out := table{}
	for _, it := range items {
		out.columns = append(out.columns, it.alias)
	}
	if pr.distinct {
		rows = distinctRows(rows, out.columns)
	}
	if rows, failure = pr.sortRows(rows, items); failure != nil {
		return table{}, failure
	}
	if rows, failure = pr.cut(rows, base); failure != nil {
		return table{}, failure
	}
	for _, r := range rows {
		out.rows = append(out.rows, r.out)
	}
	return filterRows(out, pr.where, base.params)
}

// projected is a row on its way out, with the scope it came from.
type projected struct {
	out  map[string]any
	from *scope
}

func projectRows(items []item, rows []map[string]any, base *scope) ([]projected, *Failure) {
	groups := groupRows(items, rows, base)
	out := []projected{}
	if groups == nil {
		for _, row := range rows {
			s := *base
			s.vars = row
			p, failure := projectOne(items, &s)
			if failure != nil {
				return nil, failure
			}
			out = append(out, p)
		}
		return out, nil
	}
	for _, g := range *groups {
		p, failure := projectOne(items, g)
		if failure != nil {
			return nil, failure
		}
		out = append(out, p)
	}
	return out, nil
}

func projectOne(items []item, s *scope) (projected, *Failure) {
	out := map[string]any{}
	for _, it := range items {
		v, failure := eval(it.e, s)
		if failure != nil {
			return projected{}, failure
		}
		out[it.alias] = v
	}
	return projected{out, s}, nil
}

// groupRows is nil when no item aggregates; otherwise one scope for every distinct value of the items that do not.
func groupRows(items []item, rows []map[string]any, base *scope) *[]*scope {
	var keys []expr
	aggregating := false
	for _, it := range items {
		if isAggregate(it.e) {
			aggregating = true
		} else {
			keys = append(keys, it.e)
		}
	}
	if !aggregating {
		return nil
	}
	groups, index := []*scope{}, map[string]*scope{}
	for _, row := range rows {
		s := *base
		s.vars = row
		values, _ := evalList(keys, &s) // a failing key fails again, and is told, when the group is projected
		id := fmt.Sprintf("%#v", values)
		g, ok := index[id]
		if !ok {
			first := s
			g = &first
			index[id], groups = g, append(groups, g)
		}
		g.group = append(g.group, &s)
	}
	if len(groups) == 0 && len(keys) == 0 {
		s := *base
		s.vars, s.group = map[string]any{}, []*scope{}
		groups = append(groups, &s)
	}
	return &groups
}

func distinctRows(rows []projected, columns []string) []projected {
	seen := map[string]bool{}
	var out []projected
	for _, r := range rows {
		id := ""
		for _, c := range columns {
			id += strconv.Quote(fmt.Sprintf("%T:%s", r.out[c], cypherText(r.out[c])))
		}
		if !seen[id] {
			seen[id], out = true, append(out, r)
		}
	}
	return out
}

func (pr *projection) sortRows(rows []projected, items []item) ([]projected, *Failure) {
	if len(pr.order) == 0 {
		return rows, nil
	}
	keys := make([][]any, len(rows))
	for i, r := range rows {
		for _, key := range pr.order {
			v, failure := sortValue(key, r, items)
			if failure != nil {
				return nil, failure
			}
			keys[i] = append(keys[i], v)
		}
	}
	index := make([]int, len(rows))
	for i := range index {
		index[i] = i
	}
	sort.SliceStable(index, func(a, b int) bool {
		for k, key := range pr.order {
			if c := orderability(keys[index[a]][k], keys[index[b]][k]); c != 0 {
				return (c < 0) != key.desc
			}
		}
		return false
	})
	out := make([]projected, len(rows))
	for i, from := range index {
		out[i] = rows[from]
	}
	return out, nil
}

// sortValue looks a key up among the new columns first, then in the row behind them.
func sortValue(key sortKey, r projected, items []item) (any, *Failure) {
	for _, it := range items {
		if it.alias == key.text || plainOrQuoted(it.alias) == key.text {
			return r.out[it.alias], nil
		}
	}
	s := *r.from
	s.vars = map[string]any{}
	for k, v := range r.from.vars {
		s.vars[k] = v
	}
	for k, v := range r.out {
		s.vars[k] = v
	}
	return eval(key.e, &s)
}

func (pr *projection) cut(rows []projected, base *scope) ([]projected, *Failure) {
	for _, bound := range []struct {
		e    expr
		skip bool
	}{{pr.skip, true}, {pr.limit, false}} {
		if bound.e == nil {
			continue
		}
		v, failure := eval(bound.e, base)
		if failure != nil {
			return nil, failure
		}
		n, ok := v.(int64)
		if !ok || n < 0 {
			return nil, &Failure{Code: codeArgumentError, Message: "Invalid input. '" + cypherText(v) + "' is not a valid value. Must be a non-negative integer."}
		}
		n = min(n, int64(len(rows)))
		if bound.skip {
			rows = rows[n:]
		} else {
			rows = rows[:n]
		}
	}
	return rows, nil
}
