package specs

import (
	"errors"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

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

// sensitiveFunc marks a value so that it is not shown.
var sensitiveFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowMarked: true, AllowNull: true, AllowUnknown: true, AllowDynamicType: true}},
	Type:   func(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil },
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		return args[0].Mark(sensitive{"value of sensitive(…)"}), nil
	},
})

// isSensitiveFunc says whether a value or a member of it is sensitive.
var isSensitiveFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowMarked: true, AllowNull: true, AllowUnknown: true, AllowDynamicType: true}},
	Type:   function.StaticReturnType(cty.Bool),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		return cty.BoolVal(args[0].ContainsMarked()), nil
	},
})

var listParam = function.Parameter{Name: "list", Type: cty.DynamicPseudoType}

// indexFunc gives the position of a value in a list.
var indexFunc = function.New(&function.Spec{
	Params: []function.Parameter{listParam, {Name: "value", Type: cty.DynamicPseudoType}},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		if !isSequence(args[0]) {
			return cty.DynamicVal, function.NewArgErrorf(0, "a list is needed")
		}
		i := int64(0)
		for it := args[0].ElementIterator(); it.Next(); i++ {
			_, v := it.Element()
			same, err := stdlib.Equal(v, args[1])
			if err == nil && same.IsKnown() && same.True() {
				return cty.NumberIntVal(i), nil
			}
		}
		return cty.DynamicVal, errors.New("the value is not in the list")
	},
})

func isSequence(v cty.Value) bool {
	ty := v.Type()
	return ty.IsTupleType() || ty.IsListType() || ty.IsSetType()
}

// lookupFunc gives a map's member, or the third argument when there is none.
var lookupFunc = function.New(&function.Spec{
	Params:   []function.Parameter{{Name: "map", Type: cty.DynamicPseudoType, AllowMarked: true}, {Name: "key", Type: cty.String}},
	VarParam: &function.Parameter{Name: "default", Type: cty.DynamicPseudoType, AllowNull: true, AllowUnknown: true, AllowDynamicType: true, AllowMarked: true},
	Type:     lookupType,
	Impl: func(args []cty.Value, typ cty.Type) (cty.Value, error) {
		if len(args) == 3 {
			return stdlib.Lookup(args[0], args[1], args[2])
		}
		m, marks := args[0].Unmark()
		v, ok := member(m, args[1].AsString())
		if !ok {
			return cty.DynamicVal, errors.New("the map has no such key, and there is no default as third argument")
		}
		return v.WithMarks(marks), nil
	},
})

func lookupType(args []cty.Value) (cty.Type, error) {
	switch len(args) {
	case 2:
		m, _ := args[0].Unmark()
		if !m.Type().IsObjectType() && !m.Type().IsMapType() {
			return cty.DynamicPseudoType, function.NewArgErrorf(0, "a map is needed")
		}
		return cty.DynamicPseudoType, nil
	case 3:
		return stdlib.LookupFunc.ReturnTypeForValues(args)
	}
	return cty.DynamicPseudoType, errors.New("lookup takes a map, a key, and one default")
}

func member(m cty.Value, key string) (cty.Value, bool) {
	if m.Type().IsObjectType() {
		if !m.Type().HasAttribute(key) {
			return cty.DynamicVal, false
		}
		return m.GetAttr(key), true
	}
	k := cty.StringVal(key)
	if !m.HasIndex(k).True() {
		return cty.DynamicVal, false
	}
	return m.Index(k), true
}

// truth makes a function of the booleans of a list; stop is the member that decides.
func truth(stop bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "list", Type: cty.List(cty.Bool)}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			for it := args[0].ElementIterator(); it.Next(); {
				_, v := it.Element()
				if !v.IsKnown() {
					return cty.UnknownVal(cty.Bool), nil
				}
				if !v.IsNull() && v.True() == stop || v.IsNull() && !stop {
					return cty.BoolVal(stop), nil
				}
			}
			return cty.BoolVal(!stop), nil
		},
	})
}

var allTrueFunc, anyTrueFunc = truth(false), truth(true)

// oneFunc gives the only member of a list, null for an empty one.
var oneFunc = function.New(&function.Spec{
	Params: []function.Parameter{listParam},
	Type:   function.StaticReturnType(cty.DynamicPseudoType),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		if !isSequence(args[0]) {
			return cty.DynamicVal, function.NewArgErrorf(0, "a list is needed")
		}
		switch args[0].LengthInt() {
		case 0:
			return cty.NullVal(cty.DynamicPseudoType), nil
		case 1:
			it := args[0].ElementIterator()
			it.Next()
			_, v := it.Element()
			return v, nil
		}
		return cty.DynamicVal, function.NewArgErrorf(0, "the list has %d members, not one or none", args[0].LengthInt())
	},
})

// sumFunc adds numbers.
var sumFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "list", Type: cty.List(cty.Number)}},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		total := cty.Zero
		for it := args[0].ElementIterator(); it.Next(); {
			_, v := it.Element()
			if v.IsNull() {
				return cty.DynamicVal, function.NewArgErrorf(0, "a member is null")
			}
			total = total.Add(v)
		}
		return total, nil
	},
})

// transposeFunc turns a map of lists of texts round: each text becomes a key, with the keys that listed it.
var transposeFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "map", Type: cty.Map(cty.List(cty.String))}},
	Type:   function.StaticReturnType(cty.Map(cty.List(cty.String))),
	Impl: func(args []cty.Value, typ cty.Type) (cty.Value, error) {
		lists := make(map[string][]cty.Value)
		for it := args[0].ElementIterator(); it.Next(); {
			k, list := it.Element()
			if list.IsNull() {
				continue
			}
			for _, v := range list.AsValueSlice() {
				if v.IsNull() || !v.IsKnown() {
					return cty.DynamicVal, function.NewArgErrorf(0, "a member is null")
				}
				lists[v.AsString()] = append(lists[v.AsString()], k)
			}
		}
		if len(lists) == 0 {
			return cty.MapValEmpty(cty.List(cty.String)), nil
		}
		m := make(map[string]cty.Value, len(lists))
		for k, keys := range lists {
			m[k] = cty.ListVal(keys)
		}
		return cty.MapVal(m), nil
	},
})

// matchKeysFunc gives the members of the first list whose counterpart in the second is in the third.
var matchKeysFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "values", Type: cty.List(cty.DynamicPseudoType)}, {Name: "keys", Type: cty.List(cty.DynamicPseudoType)}, {Name: "search", Type: cty.List(cty.DynamicPseudoType)}},
	Type:   func(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil },
	Impl: func(args []cty.Value, typ cty.Type) (cty.Value, error) {
		if args[0].LengthInt() != args[1].LengthInt() {
			return cty.DynamicVal, function.NewArgErrorf(1, "it has to be as long as the list of values")
		}
		var out []cty.Value
		keys := args[1].AsValueSlice()
		for i, v := range args[0].AsValueSlice() {
			for _, s := range args[2].AsValueSlice() {
				if same, err := stdlib.Equal(keys[i], s); err == nil && same.IsKnown() && same.True() {
					out = append(out, v)
					break
				}
			}
		}
		if len(out) == 0 {
			return cty.ListValEmpty(typ.ElementType()), nil
		}
		return convert.Convert(cty.ListVal(out), typ)
	},
})
