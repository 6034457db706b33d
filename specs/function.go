package specs

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// plainFunctions are the functions that depend on nothing but their arguments. Names and behaviour are Terraform's (HashiCorp: Built-in Functions).
func plainFunctions() map[string]function.Function {
	return map[string]function.Function{
		"abs": stdlib.AbsoluteFunc, "can": tryfunc.CanFunc, "ceil": stdlib.CeilFunc, "chomp": stdlib.ChompFunc, "chunklist": stdlib.ChunklistFunc,
		"coalesce": coalesceFunc, "coalescelist": stdlib.CoalesceListFunc, "compact": stdlib.CompactFunc, "concat": stdlib.ConcatFunc,
		"contains": stdlib.ContainsFunc, "csvdecode": stdlib.CSVDecodeFunc, "distinct": stdlib.DistinctFunc, "element": stdlib.ElementFunc,
		"flatten": stdlib.FlattenFunc, "floor": stdlib.FloorFunc, "format": stdlib.FormatFunc, "formatdate": stdlib.FormatDateFunc, "formatlist": stdlib.FormatListFunc,
		"indent": stdlib.IndentFunc, "index": indexFunc, "yamldecode": yamlDecodeFunc, "yamlencode": yamlEncodeFunc, "join": stdlib.JoinFunc, "jsondecode": stdlib.JSONDecodeFunc,
		"jsonencode": stdlib.JSONEncodeFunc, "keys": stdlib.KeysFunc, "length": lengthFunc, "log": stdlib.LogFunc, "lookup": lookupFunc, "lower": stdlib.LowerFunc,
		"max": stdlib.MaxFunc, "merge": stdlib.MergeFunc, "min": stdlib.MinFunc, "parseint": stdlib.ParseIntFunc, "pow": stdlib.PowFunc, "range": stdlib.RangeFunc,
		"regex": stdlib.RegexFunc, "regexall": stdlib.RegexAllFunc, "replace": replaceFunc, "reverse": stdlib.ReverseListFunc,
		"setintersection": stdlib.SetIntersectionFunc, "setproduct": stdlib.SetProductFunc, "setsubtract": stdlib.SetSubtractFunc,
		"setunion": stdlib.SetUnionFunc, "setsymmetricdifference": stdlib.SetSymmetricDifferenceFunc, "signum": stdlib.SignumFunc, "slice": stdlib.SliceFunc, "sort": stdlib.SortFunc, "split": stdlib.SplitFunc, "strlen": stdlib.StrlenFunc,
		"strrev": stdlib.ReverseFunc, "substr": stdlib.SubstrFunc, "timeadd": stdlib.TimeAddFunc, "title": stdlib.TitleFunc, "trim": stdlib.TrimFunc,
		"trimprefix": stdlib.TrimPrefixFunc, "trimspace": stdlib.TrimSpaceFunc, "trimsuffix": stdlib.TrimSuffixFunc, "try": tryfunc.TryFunc,
		"upper": stdlib.UpperFunc, "values": stdlib.ValuesFunc, "zipmap": stdlib.ZipmapFunc,
		"startswith": textTest(strings.HasPrefix), "endswith": textTest(strings.HasSuffix),
		"tobool": stdlib.MakeToFunc(cty.Bool), "tonumber": stdlib.MakeToFunc(cty.Number), "tostring": stdlib.MakeToFunc(cty.String),
		"tolist": stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType)), "tomap": stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)),
		"toset": stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType)), "nonsensitive": nonsensitiveFunc, "sensitive": sensitiveFunc, "issensitive": isSensitiveFunc,
		"alltrue": allTrueFunc, "anytrue": anyTrueFunc, "one": oneFunc, "sum": sumFunc, "transpose": transposeFunc, "matchkeys": matchKeysFunc,
		"strcontains": textTest(strings.Contains), "basename": pathFunc(path.Base), "dirname": pathFunc(path.Dir),
		"base64encode": textFunc(encodeBase64), "base64decode": textFunc(decodeBase64), "urlencode": textFunc(encodeURL), "urldecode": textFunc(decodeURL),
		"md5": hashFunc(md5.New, hex.EncodeToString), "sha1": hashFunc(sha1.New, hex.EncodeToString),
		"sha256": hashFunc(sha256.New, hex.EncodeToString), "sha512": hashFunc(sha512.New, hex.EncodeToString),
		"base64sha256": hashFunc(sha256.New, base64.StdEncoding.EncodeToString), "base64sha512": hashFunc(sha512.New, base64.StdEncoding.EncodeToString),
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
	for _, name := range []string{"toset", "tolist"} {
		all[name] = quick(all[name])
	}
	maps.Copy(all, map[string]function.Function{
		"file": l.fileFunc(false), "filebase64": l.fileFunc(true), "fileexists": l.fileExistsFunc(), "fileset": l.fileSetFunc(),
		"env": l.envFunc(), "secret_file": l.secretFileFunc(),
	})
	all["templatefile"] = l.templateFileFunc(maps.Clone(all)) // a template cannot read another
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

// quick is a function that gets long tuples as lists.
func quick(f function.Function) function.Function {
	spec := &function.Spec{
		Type: func(args []cty.Value) (cty.Type, error) { return f.ReturnTypeForValues([]cty.Value{listed(args[0])}) },
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return f.Call([]cty.Value{listed(args[0])}) },
	}
	for _, p := range f.Params() {
		spec.Params = append(spec.Params, permissive(p))
	}
	return function.New(spec)
}

// longTuple is from how many members on a tuple is made a list.
const longTuple = 64

// listed makes a list of a long tuple whose members have one primitive type. What [… for …] gives is a tuple, and converting a tuple costs the square of
// its length, because the types of all members are compared with each other.
func listed(v cty.Value) cty.Value {
	ty := v.Type()
	if !ty.IsTupleType() || v.IsMarked() || !v.IsKnown() || v.IsNull() || ty.Length() < longTuple {
		return v
	}
	types := ty.TupleElementTypes()
	if !types[0].IsPrimitiveType() || slices.ContainsFunc(types, func(t cty.Type) bool { return t != types[0] }) {
		return v
	}
	return cty.ListVal(v.AsValueSlice())
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
