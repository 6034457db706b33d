package specs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// folder is what was read of a module's folder.
type folder struct {
	dir   string
	names []string // of its spec files
	state state
}

const sourceAttribute = "source"

// reader reads the folders of modules, each once.
type reader struct {
	l       *loader
	folders map[string]*folder // by absolute path without symbolic links
}

// readModules reads the folders that module blocks name, and those that these name.
func (l *loader) readModules(dir string, names []string) {
	r := &reader{l: l, folders: make(map[string]*folder)}
	id, err := realPath(dir)
	if err != nil {
		return // the folder is not there, which is reported
	}
	f := &folder{dir: dir, names: names}
	r.folders[id] = f
	r.read(f, []string{dir})
}

func realPath(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(abs)
}

func (r *reader) read(f *folder, path []string) {
	f.state = underway
	for _, name := range f.names {
		body := r.l.src.bodies[name]
		if body == nil {
			continue
		}
		for _, b := range body.Blocks {
			if b.Type == "module" {
				r.follow(f, b, path)
			}
		}
	}
	f.state = finished
}

// follow reads the folder that a module block names.
func (r *reader) follow(from *folder, b *hclsyntax.Block, path []string) {
	a := b.Body.Attributes[sourceAttribute]
	if a == nil {
		r.l.fail(b.DefRange(), "Missing attribute", "A module needs the attribute source, the folder that it reuses: source = \"./accounts\".")
		return
	}
	at := a.Expr.Range()
	v, diags := a.Expr.Value(nil)
	if diags.HasErrors() || !isText(v) {
		r.l.fail(at, "Bad module source", "source has to be a text written out, such as \"./accounts\": which files belong to a spec cannot depend on values.")
		return
	}
	source := v.AsString()
	if !strings.HasPrefix(source, "./") && !strings.HasPrefix(source, "../") && source != "." && source != ".." || strings.ContainsRune(source, 0) {
		r.l.fail(at, "Bad module source", "A module's source is a local folder, and starts with ./ or ../: \"./%s\". Nothing is fetched from elsewhere.", strings.TrimLeft(source, "/.\x00"))
		return
	}
	f, ok := r.find(filepath.Join(from.dir, source), at, path)
	if ok {
		r.l.folders[b] = f
	}
}

func (r *reader) find(dir string, at hcl.Range, path []string) (*folder, bool) {
	info, err := os.Stat(dir)
	if err != nil || !info.IsDir() {
		why := "it is not a folder"
		if err != nil {
			why = reason(err)
		}
		r.l.fail(at, "Module not found", "%s: %s. Give the module's folder, relative to the folder of this file.", dir, why)
		return nil, false
	}
	id, err := realPath(dir)
	if err != nil {
		r.l.fail(at, "Module not found", "%s: %s.", dir, reason(err))
		return nil, false
	}
	if f := r.folders[id]; f != nil {
		if f.state == underway {
			r.l.fail(at, "Module inside itself", "%s: this module would contain itself without end. Move what both use into a folder of its own.", arrows(append(slices.Clone(path), dir)))
			return nil, false
		}
		return f, true
	}
	f := &folder{dir: dir}
	r.folders[id] = f
	src := r.l.src
	before := len(src.diags)
	f.names, _ = src.find(dir)
	if more := src.diags[before:]; len(more) > 0 {
		detail := more[0].Detail
		src.diags = src.diags[:before]
		r.l.fail(at, "Module not found", "%s", detail)
		return nil, false
	}
	for _, name := range f.names {
		src.parse(name, false)
	}
	r.read(f, append(slices.Clone(path), dir))
	return f, true
}
