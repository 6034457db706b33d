package specs

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"keymaker/reconcile"
)

// secretType is the type of what env and secret_file give: a value that nothing but a secret attribute takes.
var secretType = cty.Capsule("secret", reflect.TypeFor[reconcile.Secret]())

// maxSecret is the size of a secret file, in bytes, that is still taken for a secret.
const maxSecret = 64 << 10

// envName is what shells and CI systems take as the name of an environment variable (POSIX, "Environment Variables").
var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

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
		if !envName.MatchString(name) {
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
			full = filepath.Join(l.root().dir, path)
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
	s := reconcile.NewSecret(name, func() (string, error) { return value, nil })
	return &s
}
