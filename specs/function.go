package specs

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"

	"keymaker/reconcile"
)

// secretType is the type of what env and secret_file give: a value that nothing but a secret attribute takes.
var secretType = cty.Capsule("secret", reflect.TypeFor[reconcile.Secret]())

// maxSecret is the size of a secret file, in bytes, that is still taken for a secret.
const maxSecret = 64 << 10

// plainFunctions are the functions that depend on nothing but their arguments. Names and behaviour are Terraform's (HashiCorp: Built-in Functions).
func plainFunctions() map[string]function.Function {
	return map[string]function.Function{
		"abs": stdlib.AbsoluteFunc, "can": tryfunc.CanFunc, "ceil": stdlib.CeilFunc, "chomp": stdlib.ChompFunc, "chunklist": stdlib.ChunklistFunc,
		"coalesce": coalesceFunc, "coalescelist": stdlib.CoalesceListFunc, "compact": stdlib.CompactFunc, "concat": stdlib.ConcatFunc,
		"contains": stdlib.ContainsFunc, "csvdecode": stdlib.CSVDecodeFunc, "distinct": stdlib.DistinctFunc, "element": stdlib.ElementFunc,
		"flatten": stdlib.FlattenFunc, "floor": stdlib.FloorFunc, "format": stdlib.FormatFunc, "formatlist": stdlib.FormatListFunc,
		"indent": stdlib.IndentFunc, "index": stdlib.IndexFunc, "join": stdlib.JoinFunc, "jsondecode": stdlib.JSONDecodeFunc,
		"jsonencode": stdlib.JSONEncodeFunc, "keys": stdlib.KeysFunc, "length": lengthFunc, "lookup": stdlib.LookupFunc, "lower": stdlib.LowerFunc,
		"max": stdlib.MaxFunc, "merge": stdlib.MergeFunc, "min": stdlib.MinFunc, "parseint": stdlib.ParseIntFunc, "range": stdlib.RangeFunc,
		"regex": stdlib.RegexFunc, "regexall": stdlib.RegexAllFunc, "replace": replaceFunc, "reverse": stdlib.ReverseListFunc,
		"setintersection": stdlib.SetIntersectionFunc, "setproduct": stdlib.SetProductFunc, "setsubtract": stdlib.SetSubtractFunc,
		"setunion": stdlib.SetUnionFunc, "slice": stdlib.SliceFunc, "sort": stdlib.SortFunc, "split": stdlib.SplitFunc, "strlen": stdlib.StrlenFunc,
		"strrev": stdlib.ReverseFunc, "substr": stdlib.SubstrFunc, "title": stdlib.TitleFunc, "trim": stdlib.TrimFunc,
		"trimprefix": stdlib.TrimPrefixFunc, "trimspace": stdlib.TrimSpaceFunc, "trimsuffix": stdlib.TrimSuffixFunc, "try": tryfunc.TryFunc,
		"upper": stdlib.UpperFunc, "values": stdlib.ValuesFunc, "zipmap": stdlib.ZipmapFunc,
		"startswith": textTest(strings.HasPrefix), "endswith": textTest(strings.HasSuffix),
		"tobool": stdlib.MakeToFunc(cty.Bool), "tonumber": stdlib.MakeToFunc(cty.Number), "tostring": stdlib.MakeToFunc(cty.String),
		"tolist": stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType)), "tomap": stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)),
		"toset": stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType)), "nonsensitive": nonsensitiveFunc,
	}
}

// specFunctions are all functions of a spec. What multiplies the sizes of its arguments is checked before it runs.
func (l *loader) specFunctions() map[string]function.Function {
	all := plainFunctions()
	for name, product := range map[string]func([]cty.Value) int{
		"join": joinSize, "replace": replaceSize, "setproduct": productSize, "format": formatSize, "formatlist": formatSize, "indent": indentSize,
	} {
		all[name] = limited(all[name], product)
	}
	maps.Copy(all, map[string]function.Function{"file": l.fileFunc(), "fileexists": l.fileExistsFunc(), "env": l.envFunc(), "secret_file": l.secretFileFunc()})
	return all
}

// limited is a function that refuses arguments which would make a result over the limits.
func limited(f function.Function, estimate func([]cty.Value) int) function.Function {
	spec := &function.Spec{
		Type: func(args []cty.Value) (cty.Type, error) { return f.ReturnTypeForValues(args) },
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			plain := make([]cty.Value, len(args))
			for i, a := range args {
				plain[i], _ = a.UnmarkDeep()
				if !plain[i].IsWhollyKnown() {
					return f.Call(args)
				}
			}
			if estimate(plain) > maxText {
				return cty.DynamicVal, errTooBig
			}
			return f.Call(args)
		},
	}
	for _, p := range f.Params() {
		spec.Params = append(spec.Params, permissive(p))
	}
	if p := f.VarParam(); p != nil {
		v := permissive(*p)
		spec.VarParam = &v
	}
	return function.New(spec)
}

// permissive lets everything through to the function inside, which has its own rules.
func permissive(p function.Parameter) function.Parameter {
	p.AllowMarked, p.AllowUnknown, p.AllowNull, p.AllowDynamicType = true, true, true, true
	return p
}

func text(v cty.Value) string {
	if v.IsNull() || v.Type() != cty.String {
		return ""
	}
	return v.AsString()
}

func joinSize(args []cty.Value) int {
	n := 0
	for _, a := range args[min(1, len(args)):] {
		if a.CanIterateElements() && !a.IsNull() {
			n += a.LengthInt()
		}
	}
	return n * len(text(args[0]))
}

func replaceSize(args []cty.Value) int { return (len(text(args[0])) + 1) * len(text(args[2])) }

func productSize(args []cty.Value) int {
	n := 1
	for _, a := range args {
		if a.IsNull() || !a.CanIterateElements() {
			return 0
		}
		if n *= a.LengthInt(); n > maxMembers {
			return maxText + 1
		}
	}
	return n
}

func indentSize(args []cty.Value) int {
	if args[0].IsNull() {
		return 0
	}
	n, _ := args[0].AsBigFloat().Int64()
	if n > 1000 {
		return maxText + 1
	}
	return int(n) * (strings.Count(text(args[1]), "\n") + 1)
}

// wideVerb is a format verb with a width or precision of four digits or more.
var wideVerb = regexp.MustCompile(`%[^a-zA-Z%]*[0-9]{4}`)

func formatSize(args []cty.Value) int {
	if wideVerb.MatchString(text(args[0])) {
		return maxText + 1
	}
	return 0
}

// replaceFunc replaces a text, or what a regular expression between slashes matches.
var replaceFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "str", Type: cty.String}, {Name: "substr", Type: cty.String}, {Name: "replace", Type: cty.String}},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		if sub := args[1].AsString(); len(sub) > 1 && sub[0] == '/' && sub[len(sub)-1] == '/' {
			return stdlib.RegexReplace(args[0], cty.StringVal(sub[1:len(sub)-1]), args[2])
		}
		return stdlib.Replace(args[0], args[1], args[2])
	},
})

// coalesceFunc gives the first argument that is neither null nor an empty text.
var coalesceFunc = function.New(&function.Spec{
	VarParam: &function.Parameter{Name: "values", Type: cty.DynamicPseudoType, AllowNull: true, AllowDynamicType: true},
	Type:     func(args []cty.Value) (cty.Type, error) { return stdlib.CoalesceFunc.ReturnTypeForValues(args) },
	Impl: func(args []cty.Value, typ cty.Type) (cty.Value, error) {
		for _, a := range args {
			v, err := convert.Convert(a, typ)
			if err != nil {
				return cty.DynamicVal, err
			}
			if !v.IsNull() && (v.Type() != cty.String || v.AsString() != "") {
				return v, nil
			}
		}
		return cty.DynamicVal, errors.New("all arguments are null or empty")
	},
})

// lengthFunc counts the members of a collection or the characters of a text.
var lengthFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType}},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		switch ty := args[0].Type(); {
		case ty == cty.String:
			return stdlib.Strlen(args[0])
		case ty.IsObjectType():
			return cty.NumberIntVal(int64(len(ty.AttributeTypes()))), nil
		case args[0].CanIterateElements():
			return cty.NumberIntVal(int64(args[0].LengthInt())), nil
		}
		return cty.DynamicVal, function.NewArgErrorf(0, "a list, map or text is needed")
	},
})

func textTest(test func(s, part string) bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "str", Type: cty.String}, {Name: "part", Type: cty.String}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(test(args[0].AsString(), args[1].AsString())), nil
		},
	})
}

// nonsensitiveFunc says that a value made of sensitive ones may be shown.
var nonsensitiveFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowMarked: true, AllowNull: true, AllowUnknown: true, AllowDynamicType: true}},
	Type:   func(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil },
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		v, _ := args[0].UnmarkDeep()
		return v, nil
	},
})

func (l *loader) fileFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			src, err := l.readInside(args[0].AsString())
			if err != nil {
				return cty.DynamicVal, err
			}
			if !utf8.Valid(src) {
				return cty.DynamicVal, fmt.Errorf("%s is not UTF-8 text", args[0].AsString())
			}
			return cty.StringVal(string(src)), nil
		},
	})
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

// readInside reads a file inside the spec's folder. A path or symbolic link that leads out of the folder is refused: a spec that somebody else wrote must
// not be able to carry a private key or a password file into an attribute.
func (l *loader) readInside(path string) ([]byte, error) {
	root, err := os.OpenRoot(l.dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if filepath.IsAbs(path) {
		return nil, fmt.Errorf("%s is an absolute path; give one relative to the spec's folder", path)
	}
	info, err := root.Stat(path)
	switch {
	case !filepath.IsLocal(path):
		return nil, fmt.Errorf("%s leads out of the spec's folder", path)
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("%s: %w in the spec's folder", path, os.ErrNotExist)
	case err != nil:
		return nil, fmt.Errorf("%s cannot be read from the spec's folder: %s", path, reason(err))
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	f, err := root.Open(path)
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

// secretFunc makes a function that gives a secret. Nothing is looked up before the secret is opened.
func secretFunc(param string, make func(string) (reconcile.Secret, error)) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: param, Type: cty.String}},
		Type:   function.StaticReturnType(secretType),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			s, err := make(args[0].AsString())
			if err != nil {
				return cty.DynamicVal, function.NewArgError(0, err)
			}
			return cty.CapsuleVal(secretType, &s), nil
		},
	})
}

func (l *loader) envFunc() function.Function {
	env := l.opts.Env
	return secretFunc("name", func(name string) (reconcile.Secret, error) {
		if name == "" || strings.ContainsAny(name, "=\x00") {
			return reconcile.Secret{}, errors.New("this is not the name of an environment variable")
		}
		return reconcile.NewSecret("env "+name, func() (string, error) {
			v, ok := env(name)
			if !ok || v == "" {
				return "", fmt.Errorf("environment variable %s is not set", name)
			}
			return v, nil
		}), nil
	})
}

func (l *loader) secretFileFunc() function.Function {
	return secretFunc("path", func(path string) (reconcile.Secret, error) {
		if path == "" || strings.ContainsRune(path, 0) {
			return reconcile.Secret{}, errors.New("this is not a path")
		}
		full := path
		if !filepath.IsAbs(path) {
			full = filepath.Join(l.dir, path)
		}
		return reconcile.NewSecret("file "+full, func() (string, error) {
			src, err := readRegular(full, maxSecret)
			if err != nil {
				return "", fmt.Errorf("secret file %s: %s", full, reason(err))
			}
			return strings.TrimRight(string(src), "\r\n"), nil
		}), nil
	})
}

// sensitiveSecret is a sensitive variable's value as a secret.
func sensitiveSecret(name, value string) *reconcile.Secret {
	s := reconcile.NewSecret("variable "+name, func() (string, error) { return value, nil })
	return &s
}
