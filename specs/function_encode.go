package specs

import (
	"encoding/base64"
	"errors"
	"hash"
	"net/url"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// textFunc makes a function from text to text.
func textFunc(of func(string) (string, error)) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "str", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			s, err := of(args[0].AsString())
			if err != nil {
				return cty.DynamicVal, function.NewArgError(0, err)
			}
			return cty.StringVal(s), nil
		},
	})
}

func pathFunc(of func(string) string) function.Function {
	return textFunc(func(s string) (string, error) { return of(s), nil })
}

func encodeBase64(s string) (string, error) { return base64.StdEncoding.EncodeToString([]byte(s)), nil }

func decodeBase64(s string) (string, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return "", errors.New("this is not base64")
	}
	if !utf8.Valid(b) {
		return "", errors.New("this is base64 of something that is not UTF-8 text")
	}
	return string(b), nil
}

func encodeURL(s string) (string, error) { return url.QueryEscape(s), nil }

func decodeURL(s string) (string, error) {
	out, err := url.QueryUnescape(s)
	if err != nil || !utf8.ValidString(out) {
		return "", errors.New("this is not URL-encoded text")
	}
	return out, nil
}

func hashFunc(start func() hash.Hash, write func([]byte) string) function.Function {
	return textFunc(func(s string) (string, error) {
		h := start()
		h.Write([]byte(s))
		return write(h.Sum(nil)), nil
	})
}
