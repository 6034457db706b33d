package neo4jtest

// newName makes a name of a label, type or property known: one that the graph never had needs a privilege of its own.
func (q *graphRun) newName(known map[string]bool, n, privilege, what string) *Failure {
	if known[n] {
		return nil
	}
	if q.ac.mayDatabase(privilege, q.db) != granted {
		return q.dialect.forbidden("Creating new " + what + " on database '" + q.db + "' is not allowed for user '" + q.ac.user + "' with roles [" +
			joinRoles(q.ac.roles) + "]. See GRANT " + privilege + " ON DATABASE...")
	}
	known[n] = true
	return nil
}

func joinRoles(roles []string) string {
	out := ""
	for i, r := range roles {
		if i > 0 {
			out += ", "
		}
		out += r
	}
	return out
}

func (q *graphRun) create(c createClause) *Failure {
	var out []map[string]any
	for _, row := range q.rows {
		for _, p := range c.patterns {
			var failure *Failure
			if row, failure = q.createPattern(p, row); failure != nil {
				return failure
			}
		}
		out = append(out, row)
	}
	q.rows = out
	for _, p := range c.patterns {
		q.learn(p.left.variable)
		if p.rel != nil {
			q.learn(p.rel.variable)
			q.learn(p.right.variable)
		}
	}
	return nil
}

func (q *graphRun) createPattern(p pattern, row map[string]any) (map[string]any, *Failure) {
	row, left, failure := q.endOf(p.left, row, p.rel != nil)
	if failure != nil || p.rel == nil {
		return row, failure
	}
	row, right, failure := q.endOf(p.right, row, true)
	if failure != nil {
		return nil, failure
	}
	if len(p.rel.types) != 1 || p.rel.direction == 0 {
		return nil, q.dialect.chained(codeSyntaxError, "Exactly one relationship type and a direction must be specified for CREATE.", false, invalidSyntax, cause{"42I06", "Exactly one relationship type must be specified."})
	}
	start, end := left, right
	if p.rel.direction < 0 {
		start, end = right, left
	}
	properties, failure := q.propertyMap(p.rel.properties, row)
	if failure != nil {
		return nil, failure
	}
	rel := &storedRelationship{Start: start.ID, End: end.ID, Type: p.rel.types[0], Properties: properties}
	if failure := q.addRelationship(rel); failure != nil {
		return nil, failure
	}
	return extend(row, p.rel.variable, rel), nil
}

// endOf is a node that is bound already, or a new one.
func (q *graphRun) endOf(n nodePattern, row map[string]any, mayBeBound bool) (map[string]any, *storedNode, *Failure) {
	if bound, ok := row[n.variable]; ok && n.variable != "" {
		stored, isNode := bound.(*storedNode)
		if !mayBeBound || !isNode || len(n.labels)+len(n.properties.keys) > 0 {
			return nil, nil, q.dialect.chained(codeSyntaxError, "Variable `"+n.variable+"` already declared", false, invalidSyntax, cause{"42N59", "Variable `" + n.variable + "` already defined."})
		}
		return row, stored, nil
	}
	created, failure := q.addNode(n, row)
	if failure != nil {
		return nil, nil, failure
	}
	return extend(row, n.variable, created), created, nil
}

func (q *graphRun) addNode(n nodePattern, row map[string]any) (*storedNode, *Failure) {
	properties, failure := q.propertyMap(n.properties, row)
	if failure != nil {
		return nil, failure
	}
	labels := sortedUnique(n.labels)
	created := &storedNode{Labels: labels, Properties: properties}
	if !q.ac.mayWrite("CREATE", created.element(q.db)) {
		return nil, q.ac.withRoles("Create node with labels '" + joinNames(labels) + "' on database '" + q.db + "'")
	}
	for _, l := range labels {
		if failure := q.newName(q.g.labels, l, "CREATE NEW NODE LABEL", "node label"); failure != nil {
			return nil, failure
		}
	}
	if failure := q.checkProperties(created.element(q.db), properties); failure != nil {
		return nil, failure
	}
	q.g.lastNode++
	created.ID = q.g.lastNode
	q.g.nodes[created.ID] = created
	q.stats["nodes-created"]++
	q.count("labels-added", len(labels))
	q.count("properties-set", len(properties))
	return created, nil
}

func (q *graphRun) count(what string, n int) {
	if n > 0 {
		q.stats[what] += int64(n)
	}
}

func (q *graphRun) addRelationship(rel *storedRelationship) *Failure {
	if !q.ac.mayWrite("CREATE", rel.element(q.db)) {
		return q.ac.withRoles("Create relationship with type '" + rel.Type + "' on database '" + q.db + "'")
	}
	if failure := q.newName(q.g.types, rel.Type, "CREATE NEW RELATIONSHIP TYPE", "relationship type"); failure != nil {
		return failure
	}
	if failure := q.checkProperties(rel.element(q.db), rel.Properties); failure != nil {
		return failure
	}
	q.g.lastRel++
	rel.ID = q.g.lastRel
	q.g.rels[rel.ID] = rel
	q.stats["relationships-created"]++
	q.count("properties-set", len(rel.Properties))
	return nil
}

// checkProperties asks for SET PROPERTY of each, and for the names that are new.
func (q *graphRun) checkProperties(e element, properties map[string]any) *Failure {
	for _, name := range sortedNames(properties) {
		if failure := q.checkProperty(e, name); failure != nil {
			return failure
		}
	}
	return nil
}

func (q *graphRun) checkProperty(e element, name string) *Failure {
	if !q.ac.maySetProperty(e, name) {
		return q.ac.withRoles("Set property for property '" + name + "' on database '" + q.db + "'")
	}
	return q.newName(q.g.propNames, name, "CREATE NEW PROPERTY NAME", "property name")
}

// propertyMap evaluates {k: v}; null values are left out.
func (q *graphRun) propertyMap(m mapExpr, row map[string]any) (map[string]any, *Failure) {
	out := map[string]any{}
	for i, key := range m.keys {
		if failure := q.know(m.values[i]); failure != nil {
			return nil, failure
		}
		v, failure := eval(m.values[i], q.scopeOf(row))
		if failure != nil {
			return nil, failure
		}
		if failure := storable(v); failure != nil {
			return nil, failure
		}
		if v != nil {
			out[key] = v
		}
	}
	return out, nil
}

// storable refuses what a property cannot hold, and what this graph cannot.
func storable(v any) *Failure {
	switch v := v.(type) {
	case nil, bool, int64, float64, string:
		return nil
	case []any:
		for _, item := range v {
			switch item.(type) {
			case bool, int64, float64, string:
			default:
				return typeError("Collections containing %s values can not be stored in properties.", javaText(item))
			}
		}
		return nil
	case map[string]any, *storedNode, *storedRelationship:
		return typeError("Property values can only be of primitive types or arrays thereof. Encountered: %s.", javaText(v))
	}
	return &Failure{Code: CodeNotEmulated, Message: "not emulated: properties of temporal, spatial and byte array types"}
}

// merge finds nodes or makes one.
func (q *graphRun) merge(c mergeClause) *Failure {
	var out []map[string]any
	for _, row := range q.rows {
		if bound, ok := row[c.node.variable]; ok && c.node.variable != "" && bound != nil {
			return q.dialect.chained(codeSyntaxError, "Variable `"+c.node.variable+"` already declared", false, invalidSyntax, cause{"42N59", "Variable `" + c.node.variable + "` already defined."})
		}
		found, failure := q.matchNode(c.node, row)
		if failure != nil {
			return failure
		}
		items := c.onMatch
		if len(found) == 0 {
			items = c.onCreate
			created, failure := q.addNode(c.node, row)
			if failure != nil {
				return failure
			}
			found = []map[string]any{extend(row, hidden(c.node.variable), created)}
		}
		q.learn(c.node.variable)
		for _, r := range found {
			if failure := q.set(items, r); failure != nil {
				return failure
			}
			delete(r, "\x00node")
		}
		out = append(out, found...)
	}
	q.learn(c.node.variable)
	q.rows = out
	return nil
}

// set runs the items of SET on one row.
func (q *graphRun) set(items []setItem, row map[string]any) *Failure {
	for _, it := range items {
		if failure := q.know(variableExpr{name: it.variable}); failure != nil {
			return failure
		}
		var value any
		if it.value != nil {
			if failure := q.know(it.value); failure != nil {
				return failure
			}
			var failure *Failure
			if value, failure = eval(it.value, q.scopeOf(row)); failure != nil {
				return failure
			}
		}
		if failure := q.setOne(it, row[it.variable], value); failure != nil {
			return failure
		}
	}
	return nil
}

func (q *graphRun) setOne(it setItem, target, value any) *Failure {
	switch target := target.(type) {
	case nil:
		return nil
	case *storedNode:
		if len(it.labels) > 0 {
			return q.addLabels(target, it.labels)
		}
		return q.setProperties(it, func() element { return target.element(q.db) }, target.Properties, value)
	case *storedRelationship:
		if len(it.labels) == 0 {
			return q.setProperties(it, func() element { return target.element(q.db) }, target.Properties, value)
		}
	}
	return typeError("Expected a Node or Relationship, but got %s", javaText(target))
}

func (q *graphRun) setProperties(it setItem, of func() element, properties map[string]any, value any) *Failure {
	if !it.whole {
		return q.assign(of(), properties, it.property, value)
	}
	m, ok := value.(map[string]any)
	if !ok {
		return typeError("Expected a map, but got %s", javaText(value))
	}
	if !it.merge {
		for _, name := range sortedNames(properties) {
			if _, stays := m[name]; !stays {
				if failure := q.assign(of(), properties, name, nil); failure != nil {
					return failure
				}
			}
		}
	}
	for _, name := range sortedNames(m) {
		if failure := q.assign(of(), properties, name, m[name]); failure != nil {
			return failure
		}
	}
	return nil
}

// assign sets one property; null removes it.
func (q *graphRun) assign(e element, properties map[string]any, name string, value any) *Failure {
	if failure := storable(value); failure != nil {
		return failure
	}
	if _, have := properties[name]; value == nil && !have {
		return nil
	}
	if failure := q.checkProperty(e, name); failure != nil {
		return failure
	}
	if value == nil {
		delete(properties, name)
	} else {
		properties[name] = value
	}
	q.stats["properties-set"]++
	return nil
}

func (q *graphRun) addLabels(n *storedNode, labels []string) *Failure {
	for _, l := range labels {
		if hasString(n.Labels, l) {
			continue
		}
		if !q.ac.mayLabel("SET LABEL", q.db, l) {
			return q.ac.withRoles("Set label for label '" + l + "' on database '" + q.db + "'")
		}
		if failure := q.newName(q.g.labels, l, "CREATE NEW NODE LABEL", "node label"); failure != nil {
			return failure
		}
		n.Labels = sortedUnique(append(n.Labels, l))
		q.stats["labels-added"]++
	}
	return nil
}

// remove runs the items of REMOVE on one row.
func (q *graphRun) remove(items []setItem, row map[string]any) *Failure {
	for _, it := range items {
		if failure := q.know(variableExpr{name: it.variable}); failure != nil {
			return failure
		}
		n, isNode := row[it.variable].(*storedNode)
		if len(it.labels) == 0 || !isNode {
			if failure := q.setOne(it, row[it.variable], nil); failure != nil {
				return failure
			}
			continue
		}
		for _, l := range it.labels {
			if !hasString(n.Labels, l) {
				continue
			}
			if !q.ac.mayLabel("REMOVE LABEL", q.db, l) {
				return q.ac.withRoles("Remove label for label '" + l + "' on database '" + q.db + "'")
			}
			n.Labels = without(n.Labels, l)
			q.stats["labels-removed"]++
		}
	}
	return nil
}
