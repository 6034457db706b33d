package specs

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// maxYAML is the size of a YAML text, in bytes, that is decoded.
const maxYAML = 256 << 10

// yamlDecodeFunc reads one YAML document. Anchors and aliases are refused: they can make an immense value of a small text.
var yamlDecodeFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "src", Type: cty.String}},
	Type: func(args []cty.Value) (cty.Type, error) {
		if !args[0].IsKnown() {
			return cty.DynamicPseudoType, nil
		}
		v, err := decodeYAML(args[0].AsString())
		return v.Type(), err
	},
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return decodeYAML(args[0].AsString()) },
})

func decodeYAML(src string) (v cty.Value, err error) {
	defer func() {
		if recover() != nil {
			v, err = cty.DynamicVal, function.NewArgErrorf(0, "this is not YAML that can be read")
		}
	}()
	if err := checkYAML(src); err != nil {
		return cty.DynamicVal, function.NewArgError(0, err)
	}
	json, err := yaml.YAMLToJSON([]byte(src))
	if err != nil {
		text, _, _ := strings.Cut(err.Error(), "\n") // the rest is a snippet
		return cty.DynamicVal, function.NewArgErrorf(0, "this is not YAML: %s", text)
	}
	if strings.TrimSpace(string(json)) == "" {
		return cty.NullVal(cty.DynamicPseudoType), nil
	}
	v, err = stdlib.JSONDecode(cty.StringVal(string(json)))
	if err != nil {
		return cty.DynamicVal, function.NewArgErrorf(0, "this YAML has values that JSON has not")
	}
	return v, nil
}

// checkYAML refuses what the parser would take too much for: it recurses.
func checkYAML(src string) error {
	if len(src) > maxYAML || strings.ContainsRune(src, 0) {
		return fmt.Errorf("more than %d bytes of YAML, or a zero byte in it", maxYAML)
	}
	for line := range strings.Lines(src) {
		indent := len(line) - len(strings.TrimLeft(line, " \t-?:"))
		if indent > 4*maxNesting || strings.Count(line, "[")+strings.Count(line, "{") > 4*maxNesting {
			return errors.New("the YAML is nested too deeply")
		}
	}
	depth := 0
	for _, t := range lexer.Tokenize(src) {
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			return errors.New("anchors and aliases of YAML are not supported; write the values out")
		case token.MappingStartType, token.SequenceStartType:
			depth++
		case token.MappingEndType, token.SequenceEndType:
			depth--
		}
		if depth > maxNesting {
			return errors.New("the YAML is nested too deeply")
		}
	}
	return nil
}

// yamlEncodeFunc writes a value as YAML.
var yamlEncodeFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowNull: true}},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		json, err := stdlib.JSONEncode(args[0])
		if err != nil {
			return cty.DynamicVal, err
		}
		out, err := yaml.JSONToYAML([]byte(json.AsString()))
		if err != nil {
			return cty.DynamicVal, errors.New("the value cannot be written as YAML")
		}
		return cty.StringVal(string(out)), nil
	},
})
