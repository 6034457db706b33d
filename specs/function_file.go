package specs

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
)

func (l *loader) fileFunc(encode bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			src, err := l.readInside(args[0].AsString())
			if err != nil {
				return cty.DynamicVal, err
			}
			if encode {
				return cty.StringVal(base64.StdEncoding.EncodeToString(src)), nil
			}
			return asText(src, args[0].AsString())
		},
	})
}

func asText(src []byte, path string) (cty.Value, error) {
	if !utf8.Valid(src) {
		return cty.DynamicVal, fmt.Errorf("%s is not UTF-8 text", path)
	}
	return cty.StringVal(string(src)), nil
}

func (l *loader) fileExistsFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			_, err := l.readInside(args[0].AsString())
			if errors.Is(err, os.ErrNotExist) {
				return cty.False, nil
			}
			return cty.True, err
		},
	})
}

// fileSetFunc lists the regular files of a folder that match a pattern, by their paths from that folder. In the pattern * and ? stay inside one name, and
// ** stands for any number of folders.
func (l *loader) fileSetFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}, {Name: "pattern", Type: cty.String}},
		Type:   function.StaticReturnType(cty.Set(cty.String)),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			pattern := strings.Split(args[1].AsString(), "/")
			if _, err := path.Match(args[1].AsString(), ""); err != nil || strings.ContainsRune(args[1].AsString(), 0) {
				return cty.DynamicVal, function.NewArgErrorf(1, "this is not a file name pattern")
			}
			names, err := l.listInside(args[0].AsString(), pattern)
			if err != nil {
				return cty.DynamicVal, err
			}
			if len(names) == 0 {
				return cty.SetValEmpty(cty.String), nil
			}
			return cty.SetVal(names), nil
		},
	})
}

func (l *loader) listInside(folder string, pattern []string) ([]cty.Value, error) {
	root, inside, err := l.openInside(folder)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	sub, err := root.OpenRoot(inside)
	if err != nil {
		return nil, fmt.Errorf("%s is not a folder that can be read: %s", folder, reason(err))
	}
	defer sub.Close()
	var names []cty.Value
	seen := 0
	err = fs.WalkDir(sub.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if seen++; seen > maxMembers {
			return errTooBig
		}
		if err == nil && e.Type().IsRegular() && matchPath(pattern, strings.Split(name, "/")) {
			names = append(names, cty.StringVal(name))
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s cannot be listed: %s", folder, reason(err))
	}
	return names, nil
}

// matchPath says whether a path matches a pattern, both cut at their slashes.
func matchPath(pattern, name []string) bool {
	reached := make([]bool, len(name)+1) // which ends of name the pattern so far can match
	reached[0] = true
	for _, p := range pattern {
		next := make([]bool, len(name)+1)
		for i := range reached {
			switch {
			case p == "**":
				next[i] = reached[i] || i > 0 && next[i-1]
			case i > 0 && reached[i-1]:
				next[i], _ = path.Match(p, name[i-1])
			}
		}
		reached = next
	}
	return reached[len(name)]
}

// templateFileFunc fills in a template file. Its ${…} may use the variables that it is given and the functions of specs, not other templates.
func (l *loader) templateFileFunc(functions map[string]function.Function) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}, {Name: "vars", Type: cty.DynamicPseudoType}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			vars := args[1]
			if !vars.Type().IsObjectType() && !vars.Type().IsMapType() {
				return cty.DynamicVal, function.NewArgErrorf(1, "a map of the template's variables is needed")
			}
			src, err := l.readInside(args[0].AsString())
			if err != nil {
				return cty.DynamicVal, err
			}
			if _, err = asText(src, args[0].AsString()); err != nil {
				return cty.DynamicVal, err
			}
			expr, err := l.template(src, filepath.Join(l.site.mod.dir, args[0].AsString()))
			if err != nil {
				return cty.DynamicVal, err
			}
			return l.fill(expr, vars.AsValueMap(), functions, args[0].AsString())
		},
	})
}

// template parses a template, once.
func (l *loader) template(src []byte, name string) (hclsyntax.Expression, error) {
	if expr, ok := l.templates[string(src)]; ok {
		return expr, nil
	}
	tokens, _ := hclsyntax.LexTemplate(src, name, hcl.InitialPos)
	if d := tooDeep(tokens); d != nil {
		return nil, fmt.Errorf("%s: %s", place(*d.Subject), d.Detail)
	}
	expr, diags := hclsyntax.ParseTemplate(src, name, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, templateError(diags)
	}
	l.templates[string(src)] = expr
	l.src.files[name] = &hcl.File{Bytes: src} // for snippets
	return expr, nil
}

func templateError(diags hcl.Diagnostics) error {
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			return fmt.Errorf("%s: %s; %s", place(subject(d)), d.Summary, trimPeriod(d.Detail))
		}
	}
	return nil
}

func (l *loader) fill(expr hclsyntax.Expression, vars map[string]cty.Value, functions map[string]function.Function, name string) (cty.Value, error) {
	for _, t := range l.traversals(expr) {
		if _, ok := vars[t.RootName()]; !ok {
			return cty.DynamicVal, fmt.Errorf("%s: the template uses %s, which it is not given", place(t.SourceRange()), t.RootName())
		}
	}
	v, diags := l.run(expr, &hcl.EvalContext{Variables: vars, Functions: functions})
	if diags.HasErrors() {
		return cty.DynamicVal, templateError(diags)
	}
	v, err := convert.Convert(v, cty.String)
	if err != nil || v.IsNull() {
		return cty.DynamicVal, fmt.Errorf("%s does not make a text", name)
	}
	return v, nil
}

// openInside opens the folder that a path is in, if it may be read: the folder of the spec's or module's files, the spec's folder, and what --allow-path
// allows. A path or symbolic link that leads out of them is refused: a spec that somebody else wrote must not be able to carry a private key or a password
// file into an attribute. inside is the path from there. The caller closes the folder.
func (l *loader) openInside(name string) (root *os.Root, inside string, err error) {
	if strings.ContainsRune(name, 0) {
		return nil, "", errors.New("this is not a path that is known from the spec")
	}
	abs, err := filepath.Abs(l.site.mod.dir)
	if err != nil {
		return nil, "", err
	}
	if full := filepath.Clean(name); filepath.IsAbs(full) {
		abs = full
	} else {
		abs = filepath.Join(abs, full)
	}
	var first error
	for _, dir := range append([]string{l.site.mod.dir, l.root().dir}, l.opts.AllowPaths...) {
		root, inside, err := openUnder(dir, abs)
		if err == nil {
			return root, inside, nil
		}
		if first == nil && err != errOutside {
			first = err
		}
	}
	switch {
	case first != nil:
		return nil, "", fmt.Errorf("%s cannot be read: %w", name, first)
	case filepath.IsAbs(name):
		return nil, "", fmt.Errorf("%s is an absolute path; give one relative to the spec's folder, or allow it with --allow-path", name)
	}
	return nil, "", fmt.Errorf("%s leads out of the spec's folder; allow it with --allow-path if it may be read", name)
}

var errOutside = errors.New("outside")

// openUnder opens dir if the absolute path is in it, or is it.
func openUnder(dir, path string) (*os.Root, string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, "", err
	}
	inside, err := filepath.Rel(abs, path)
	if err != nil || !filepath.IsLocal(inside) {
		return nil, "", errOutside
	}
	if info, err := os.Stat(abs); err == nil && !info.IsDir() { // --allow-path of one file
		abs, inside = filepath.Dir(abs), filepath.Base(abs)
	}
	root, err := os.OpenRoot(abs)
	if err != nil {
		return nil, "", err
	}
	if _, err = root.Stat(inside); err != nil && !errors.Is(err, os.ErrNotExist) {
		root.Close()
		return nil, "", errors.New(reason(err))
	}
	return root, inside, nil
}

// readInside reads a file that openInside allows.
func (l *loader) readInside(path string) ([]byte, error) {
	root, inside, err := l.openInside(path)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	info, err := root.Stat(inside)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("%s: %w in the spec's folder", path, os.ErrNotExist)
	case err != nil:
		return nil, fmt.Errorf("%s cannot be read from the spec's folder: %s", path, reason(err))
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	f, err := root.Open(inside)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %s", path, reason(err))
	}
	defer f.Close()
	src, err := readLimited(f, maxText)
	if err != nil {
		return nil, fmt.Errorf("%s is larger than %d bytes or cannot be read", path, maxText)
	}
	return src, nil
}
