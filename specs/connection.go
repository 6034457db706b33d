package specs

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"keymaker/reconcile"
)

const (
	connectionWord       = "connection"  // the block, the attribute of objects, and the first word of its value
	connectionsAttribute = "connections" // of a module block
)

// connectionBlock is a connection block.
type connectionBlock struct {
	lang  Language
	name  string // "" for the unnamed one
	block *hclsyntax.Block
}

// connectionUse is a place that names a connection.
type connectionUse struct {
	system, name string
	at           hcl.Range
}

// connectionName is what a connection may be called: it stands in addresses, and in the names of environment variables.
var connectionName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)

func (l *loader) collectConnection(b *hclsyntax.Block) {
	if n := min(max(len(b.Labels), 1), 2); !l.labels(b, n, `connection "SYSTEM" {} or connection "SYSTEM" "NAME" {}`) {
		return
	}
	system := b.Labels[0]
	if l.site.mod != l.root() {
		l.fail(b.DefRange(), "Connection inside a module", "A module uses the connections of the spec that it belongs to. Move this block there, and hand it down where the module is used: connections = { %s = connection.%s.NAME }.", system, system)
		return
	}
	lang := l.language(system)
	if lang == nil {
		l.fail(b.LabelRanges[0], "Unknown system", "There is no system %q to connect to.%s There are %s.", system, suggest(system, l.systems()), list(l.systems()))
		return
	}
	c := &connectionBlock{lang: lang, block: b}
	if len(b.Labels) == 2 {
		if c.name = b.Labels[1]; !l.checkConnectionName(c) {
			return
		}
	}
	id := reconcile.InstanceName(system, c.name)
	if first, ok := l.connections[id]; ok {
		l.fail(b.DefRange(), "Duplicate connection", "The connection to %s is already described at %s. Remove one of them.", id, place(first.block.DefRange()))
		return
	}
	l.connections[id] = c
}

// checkConnectionName refuses names that could not be told apart from something else, in an address or in the environment.
func (l *loader) checkConnectionName(c *connectionBlock) bool {
	at, system := c.block.LabelRanges[1], c.lang.System()
	if !connectionName.MatchString(c.name) {
		l.fail(at, "Bad connection name", "%q cannot be a connection's name: it stands in addresses and in the names of environment variables, so that it has to start with a letter and have only the letters a to z, digits, _ and - in it.", c.name)
		return false
	}
	if _, ok := l.findKind(c.lang, c.name); ok {
		l.fail(at, "Bad connection name", "%s is a kind of %s, so that %s.%s.NAME would mean two things. Give the connection another name.", c.name, system, system, c.name)
		return false
	}
	for _, id := range slices.Sorted(maps.Keys(l.connections)) {
		other := l.connections[id]
		if other.lang.System() == system && other.name != c.name && other.name != "" && reconcile.Variable("", other.name) == reconcile.Variable("", c.name) {
			l.fail(at, "Connections of one variable", "%q and %q, at %s, would read the same environment variables, those that end with %s. Rename one of them.",
				other.name, c.name, place(other.block.DefRange()), reconcile.Variable("", c.name))
			return false
		}
	}
	return true
}

// connectionNames lists the named connections of a system.
func (l *loader) connectionNames(system string) []string {
	var names []string
	for _, c := range l.connections {
		if c.lang.System() == system && c.name != "" {
			names = append(names, c.name)
		}
	}
	slices.Sort(names)
	return names
}

// connectionOf reads which connection a block of a system is on: what its attribute says, else what its module was handed, else the unnamed one. It gives false after a
// mistake.
func (l *loader) connectionOf(b *hclsyntax.Block, system string) (string, bool) {
	a := b.Body.Attributes[connectionWord]
	if a == nil || isNull(a.Expr) {
		return l.site.mod.connections[system], true
	}
	return l.connectionRef(a.Expr, system)
}

// connectionRef reads connection.SYSTEM or connection.SYSTEM.NAME, written out. Whether it is declared is said when all files are read.
func (l *loader) connectionRef(expr hcl.Expression, system string) (string, bool) {
	t, diags := hcl.AbsTraversalForExpr(expr)
	if diags.HasErrors() || t.RootName() != connectionWord || len(t) < 2 || len(t) > 3 {
		l.fail(expr.Range(), "Bad connection", "A connection is written out, connection.%s.NAME, or connection.%s for the unnamed one: which server an object is on is part of its address, and cannot depend on values.", system, system)
		return "", false
	}
	word, at, _ := l.step(t, 1)
	if word != system {
		l.fail(at, "Connection of another system", "This is about %s, and %s is no connection of it: write connection.%s.NAME.", system, traversalText(t), system)
		return "", false
	}
	if len(t) == 2 {
		return "", true
	}
	name, at, ok := l.step(t, 2)
	if !ok {
		l.fail(t.SourceRange(), "Bad connection", "A connection is written connection.%s.NAME.", system)
		return "", false
	}
	l.connectionUses = append(l.connectionUses, connectionUse{system, name, at})
	return name, true
}

// checkConnectionUses reports names of connections that no block declares.
func (l *loader) checkConnectionUses() {
	told := make(map[hcl.Range]bool) // a module's blocks are read once for each use of it
	for _, u := range l.connectionUses {
		if l.connections[reconcile.InstanceName(u.system, u.name)] != nil || told[u.at] {
			continue
		}
		told[u.at] = true
		names := l.connectionNames(u.system)
		if len(names) == 0 {
			l.fail(u.at, "Unknown connection", "There is no connection %q %q, and none other with a name. Declare it: connection %q %q {}.", u.system, u.name, u.system, u.name)
			continue
		}
		l.fail(u.at, "Unknown connection", "There is no connection %q %q.%s There are %s; a new one is written connection %q %q {}.",
			u.system, u.name, suggest(u.name, names), list(names), u.system, u.name)
	}
}

// handDown reads a module block's attribute connections: which connection the module's objects of a system are on. What it leaves out is as where the block stands.
func (l *loader) handDown(c *call) map[string]string {
	handed := maps.Clone(c.mod.connections)
	a := c.block.Body.Attributes[connectionsAttribute]
	if a == nil || isNull(a.Expr) {
		return handed
	}
	pairs, diags := hcl.ExprMap(a.Expr)
	if diags.HasErrors() {
		l.fail(a.Expr.Range(), "Bad connections", "A module is handed its connections written out: connections = { %s = connection.%s.NAME }.", l.systems()[0], l.systems()[0])
		return handed
	}
	if handed == nil {
		handed = make(map[string]string)
	}
	first := make(map[string]hcl.Range)
	for _, p := range pairs {
		system := hcl.ExprAsKeyword(p.Key)
		if v, diags := p.Key.Value(nil); system == "" && !diags.HasErrors() && isText(v) {
			system = v.AsString()
		}
		if l.language(system) == nil {
			l.fail(p.Key.Range(), "Unknown system", "The keys of connections are systems, and %q is none.%s There are %s.", system, suggest(system, l.systems()), list(l.systems()))
			continue
		}
		if at, ok := first[system]; ok {
			l.fail(p.Key.Range(), "Duplicate connection", "The module's connection to %s is already said at %s. Remove one of them.", system, place(at))
			continue
		}
		first[system] = p.Key.Range()
		if name, ok := l.connectionRef(p.Value, system); ok {
			handed[system] = name
		}
	}
	return handed
}

// decodeConnections decodes the connection blocks, and warns of those that nothing uses. It takes the decoded spec.
func (l *loader) decodeConnections(spec *Spec) {
	used := spec.Instances()
	several := make(map[string]bool)
	for _, c := range l.connections {
		several[c.lang.System()] = several[c.lang.System()] || c.name != ""
	}
	for _, id := range slices.Sorted(maps.Keys(l.connections)) {
		c := l.connections[id]
		spec.Connections[id] = l.decodeConnection(c.lang, c.block, id)
		if several[c.lang.System()] && l.errors == 0 && !slices.Contains(used, id) {
			l.add(hcl.Diagnostics{{
				Severity: hcl.DiagWarning, Subject: c.block.DefRange().Ptr(), Summary: "Connection is not used",
				Detail: "No object is on the connection " + id + ", so that its server is not contacted. Take the block away, or say where the objects are with " +
					connectionWord + " = " + connectionWord + "." + id + ".",
			}})
		}
	}
}

// checkOneServer reports a reference from an object to one of its system that is on another server: there, nobody knows it.
func (l *loader) checkOneServer(needs map[addr]bool, a *hclsyntax.Attribute) {
	if l.owner.IsZero() {
		return
	}
	for _, n := range slices.SortedFunc(maps.Keys(needs), reconcile.CompareAddr) {
		if n.System != l.owner.System || n.Connection == l.owner.Connection {
			continue
		}
		at := a.Expr.Range()
		for _, t := range l.traversals(a.Expr) {
			if strings.HasPrefix(traversalText(t)+".", n.Instance()+"."+n.Kind+"."+n.Name+".") {
				at = t.SourceRange()
				break
			}
		}
		l.fail(at, "Object of another connection", "%s is on %s, and %s is on %s: that server does not know it. Refer to an object of %s.",
			n, n.Instance(), l.owner, l.owner.Instance(), l.owner.Instance())
		return
	}
}

// Instances lists the servers that the spec has something to do with, as [reconcile.Addr.Instance] names them, in order: those of its objects and of its own blocks.
func (s *Spec) Instances() []string {
	all := make(map[string]bool)
	for _, o := range s.Objects {
		all[o.Addr.Instance()] = true
	}
	for _, o := range s.Owns {
		all[o.Instance()] = true
	}
	return slices.Sorted(maps.Keys(all))
}
