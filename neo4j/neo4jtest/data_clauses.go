package neo4jtest

import "fmt"

// maxRows bounds what one query holds in memory.
const maxRows = 200_000

// clause runs one step over all rows; RETURN gives the result.
func (q *graphRun) clause(c clause) (*table, *Failure) {
	switch c := c.(type) {
	case matchClause:
		return nil, q.match(c)
	case createClause:
		return nil, q.create(c)
	case mergeClause:
		return nil, q.merge(c)
	case unwindClause:
		return nil, q.unwind(c)
	case setClause:
		return nil, q.each(func(row map[string]any) *Failure { return q.set(c.items, row) })
	case removeClause:
		return nil, q.each(func(row map[string]any) *Failure { return q.remove(c.items, row) })
	case deleteClause:
		return nil, q.delete(c)
	case returnClause:
		return q.returns(c)
	}
	return nil, &Failure{Code: CodeNotEmulated, Message: fmt.Sprintf("not emulated: clause %T", c)}
}

func (q *graphRun) each(do func(map[string]any) *Failure) *Failure {
	for _, row := range q.rows {
		if failure := do(row); failure != nil {
			return failure
		}
	}
	return nil
}

// know checks that expressions use variables that exist, and remembers new ones.
func (q *graphRun) know(e expr) *Failure {
	var unknown string
	bound := map[string]bool{}
	walkExpr(e, func(e expr) {
		switch e := e.(type) {
		case comprehensionExpr:
			bound[e.variable] = true
		case variableExpr:
			if !bound[e.name] && !hasString(q.vars, e.name) {
				unknown = e.name
			}
		}
	})
	if unknown == "" {
		return nil
	}
	return q.dialect.chained(codeSyntaxError, "Variable `"+unknown+"` not defined", false, invalidSyntax, cause{"42N62", "Variable `" + unknown + "` not defined."})
}

func (q *graphRun) learn(variable string) {
	if variable != "" && !hasString(q.vars, variable) {
		q.vars = append(q.vars, variable)
	}
}

func (q *graphRun) returns(c returnClause) (*table, *Failure) {
	after := append([]string{}, q.vars...)
	for _, it := range c.projection.items {
		if failure := q.know(it.e); failure != nil {
			return nil, failure
		}
		after = append(after, it.alias)
	}
	q.vars = after
	for _, key := range c.projection.order {
		if failure := q.know(key.e); failure != nil {
			return nil, failure
		}
	}
	q.vars = after[:len(after)-len(c.projection.items)]
	if c.projection.star && len(q.vars) == 0 {
		return nil, q.dialect.chained(codeSyntaxError, "RETURN * is not allowed when there are no variables in scope", false, invalidSyntax, cause{"42I37", "RETURN * is not allowed when there are no variables in scope."})
	}
	out, failure := c.projection.apply(table{columns: q.vars, rows: q.rows}, q.scopeOf(nil))
	return &out, failure
}

func (q *graphRun) unwind(c unwindClause) *Failure {
	if failure := q.know(c.list); failure != nil {
		return failure
	}
	var out []map[string]any
	for _, row := range q.rows {
		v, failure := eval(c.list, q.scopeOf(row))
		if failure != nil {
			return failure
		}
		list, ok := v.([]any)
		if !ok && v != nil {
			list = []any{v}
		}
		for _, item := range list {
			out = append(out, extend(row, c.as, item))
		}
		if len(out) > maxRows {
			return &Failure{Code: CodeNotEmulated, Message: "not emulated: more than 200000 rows"}
		}
	}
	q.rows = out
	q.learn(c.as)
	return nil
}

func extend(row map[string]any, variable string, value any) map[string]any {
	out := make(map[string]any, len(row)+1)
	for k, v := range row {
		out[k] = v
	}
	if variable != "" {
		out[variable] = value
	}
	return out
}

func (q *graphRun) match(c matchClause) *Failure {
	for _, p := range c.patterns {
		var out []map[string]any
		for _, row := range q.rows {
			found, failure := q.matchPattern(p, row)
			if failure != nil {
				return failure
			}
			if out = append(out, found...); len(out) > maxRows {
				return &Failure{Code: CodeNotEmulated, Message: "not emulated: more than 200000 rows"}
			}
		}
		q.rows = out
		q.learn(p.left.variable)
		if p.rel != nil {
			q.learn(p.rel.variable)
			q.learn(p.right.variable)
		}
	}
	return q.filter(c.where)
}

func (q *graphRun) filter(where expr) *Failure {
	if where == nil {
		return nil
	}
	if failure := q.know(where); failure != nil {
		return failure
	}
	var kept []map[string]any
	for _, row := range q.rows {
		v, failure := eval(where, q.scopeOf(row))
		if failure != nil {
			return failure
		}
		if v == true {
			kept = append(kept, row)
		}
	}
	q.rows = kept
	return nil
}

func (q *graphRun) matchPattern(p pattern, row map[string]any) ([]map[string]any, *Failure) {
	left, failure := q.matchNode(p.left, row)
	if failure != nil || p.rel == nil {
		return left, failure
	}
	var out []map[string]any
	// The left node needs a name to go on from; a row holds it under one no statement can use.
	for _, r := range left {
		start, _ := r[hidden(p.left.variable)].(*storedNode)
		found, failure := q.follow(p, start, r)
		if failure != nil {
			return nil, failure
		}
		out = append(out, found...)
	}
	return out, nil
}

// hidden is where a pattern keeps a node without variable.
func hidden(variable string) string {
	if variable == "" {
		return "\x00node"
	}
	return variable
}

func (q *graphRun) follow(p pattern, start *storedNode, row map[string]any) ([]map[string]any, *Failure) {
	var out []map[string]any
	for _, id := range sortedIDs(q.g.rels) {
		rel := q.g.rels[id]
		if len(p.rel.types) > 0 && !hasString(p.rel.types, rel.Type) || !q.ac.mayTraverse(rel.element(q.db)) {
			continue
		}
		if bound, ok := row[p.rel.variable]; ok && bound != rel {
			continue
		}
		for _, end := range otherEnds(p.rel.direction, rel, start.ID) {
			if fits, failure := q.fits(p.rel.properties, rel, row); failure != nil {
				return nil, failure
			} else if !fits {
				continue
			}
			next := extend(row, p.rel.variable, rel)
			delete(next, "\x00node")
			ends, failure := q.matchNodeAt(p.right, next, q.g.nodes[end])
			if failure != nil {
				return nil, failure
			}
			out = append(out, ends...)
		}
	}
	return out, nil
}

// otherEnds are the nodes at the far side of rel, walked from start in a direction.
func otherEnds(direction int, rel *storedRelationship, start int64) []int64 {
	var ends []int64
	if rel.Start == start && direction >= 0 {
		ends = append(ends, rel.End)
	}
	if rel.End == start && direction <= 0 && (rel.Start != rel.End || direction < 0) {
		ends = append(ends, rel.Start)
	}
	return ends
}

// matchNode extends a row by every node that fits.
func (q *graphRun) matchNode(n nodePattern, row map[string]any) ([]map[string]any, *Failure) {
	if bound, ok := row[n.variable]; ok && n.variable != "" {
		stored, isNode := bound.(*storedNode)
		if !isNode {
			return nil, nil
		}
		return q.matchNodeAt(n, row, stored)
	}
	var out []map[string]any
	for _, id := range sortedIDs(q.g.nodes) {
		found, failure := q.matchNodeAt(n, row, q.g.nodes[id])
		if failure != nil {
			return nil, failure
		}
		out = append(out, found...)
	}
	return out, nil
}

func (q *graphRun) matchNodeAt(n nodePattern, row map[string]any, candidate *storedNode) ([]map[string]any, *Failure) {
	if candidate == nil || !containsAll(candidate.Labels, n.labels) || !q.ac.mayTraverse(candidate.element(q.db)) {
		return nil, nil
	}
	if bound, ok := row[n.variable]; ok && n.variable != "" && bound != candidate {
		return nil, nil
	}
	if fits, failure := q.fits(n.properties, candidate, row); failure != nil || !fits {
		return nil, failure
	}
	return []map[string]any{extend(row, hidden(n.variable), candidate)}, nil
}

// fits compares a pattern's properties with those that the session may read.
func (q *graphRun) fits(m mapExpr, of any, row map[string]any) (bool, *Failure) {
	for i, key := range m.keys {
		if failure := q.know(m.values[i]); failure != nil {
			return false, failure
		}
		want, failure := eval(m.values[i], q.scopeOf(row))
		if failure != nil {
			return false, failure
		}
		have, _ := q.readProperty(of, key)
		if equal(have, want) != true {
			return false, nil
		}
	}
	return true, nil
}

func (q *graphRun) delete(c deleteClause) *Failure {
	for _, e := range c.what {
		if failure := q.know(e); failure != nil {
			return failure
		}
	}
	return q.each(func(row map[string]any) *Failure {
		for _, e := range c.what {
			v, failure := eval(e, q.scopeOf(row))
			if failure != nil {
				return failure
			}
			if failure := q.deleteElement(v, c.detach); failure != nil {
				return failure
			}
		}
		return nil
	})
}

func (q *graphRun) deleteElement(v any, detach bool) *Failure {
	switch v := v.(type) {
	case nil:
		return nil
	case *storedRelationship:
		if q.g.rels[v.ID] == nil {
			return nil
		}
		if !q.ac.mayWrite("DELETE", v.element(q.db)) {
			return q.ac.withRoles("Delete relationship with type '" + v.Type + "' on database '" + q.db + "'")
		}
		delete(q.g.rels, v.ID)
		q.stats["relationships-deleted"]++
		return nil
	case *storedNode:
		return q.deleteNode(v, detach)
	}
	return typeError("Expected a Node or Relationship, but got %s", javaText(v))
}

func (q *graphRun) deleteNode(n *storedNode, detach bool) *Failure {
	if q.g.nodes[n.ID] == nil {
		return nil
	}
	if !q.ac.mayWrite("DELETE", n.element(q.db)) {
		return q.ac.withRoles("Delete node with labels '" + joinNames(n.Labels) + "' on database '" + q.db + "'")
	}
	for _, id := range sortedIDs(q.g.rels) {
		rel := q.g.rels[id]
		if rel.Start != n.ID && rel.End != n.ID {
			continue
		}
		if !detach {
			return &Failure{Code: codeConstraint, Message: fmt.Sprintf("Cannot delete node<%d>, because it still has relationships. To delete this node, you must first delete its relationships.", n.ID)}
		}
		if failure := q.deleteElement(rel, false); failure != nil {
			return failure
		}
	}
	delete(q.g.nodes, n.ID)
	q.stats["nodes-deleted"]++
	return nil
}

func joinNames(names []string) string {
	out := ""
	for i, n := range names {
		if i > 0 {
			out += ","
		}
		out += n
	}
	return out
}
