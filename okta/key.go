package okta

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"keymaker/reconcile"
)

// keyBits is the length of the keys that are made here, and the least that Okta takes ("RSA key length in the 'jwks' is less than '2,048' bits").
const keyBits = 2048

// pemSecret is the private key in a PEM file.
func pemSecret(path string) reconcile.Secret {
	return reconcile.NewSecret("file "+path, func() (string, error) {
		b, err := os.ReadFile(path)
		return string(b), err
	})
}

// makeKey draws an RSA key from the system's random source, as PKCS #8 PEM.
func makeKey() ([]byte, error) {
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// publicHalf is what Okta gets of a private key: a JWK whose id is the key's thumbprint (RFC 7638), so that the same file always gives the same id.
func publicHalf(s reconcile.Secret, algorithm string) (reconcile.Map, error) {
	key, err := privateKey(s)
	if err != nil {
		return nil, err
	}
	if key.N.BitLen() < keyBits {
		return nil, fmt.Errorf("the key from %s has %d bits, and Okta takes none under %d: make another", s.Origin(), key.N.BitLen(), keyBits)
	}
	kid, err := keyID(&key.PublicKey)
	if err != nil {
		return nil, err
	}
	text, err := jose.JSONWebKey{Key: &key.PublicKey, KeyID: kid, Algorithm: algorithm, Use: "sig"}.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("public key: %w", err)
	}
	one, err := decodeRaw(text)
	if err != nil {
		return nil, fmt.Errorf("public key: %w", err)
	}
	return valueOf(map[string]any(one)).(reconcile.Map), nil
}

// isThere says whether a file exists.
func isThere(file string) (bool, error) {
	_, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// whereKey says which file holds a key: its own, the pending one when an earlier run was cut off, or "" when it is yet to be made. Two files are an error:
// which of them Okta knows is not ours to guess.
func whereKey(file string) (string, error) {
	own, err := isThere(file)
	if err != nil {
		return "", err
	}
	pending, err := isThere(pendingOf(file))
	switch {
	case err != nil:
		return "", err
	case own && pending:
		return "", fmt.Errorf("there are two keys, %s and %s: remove the one that is not meant", file, pendingOf(file))
	case own:
		return file, nil
	case pending:
		return pendingOf(file), nil
	}
	return "", nil
}

// keepKey makes a key and writes it beside its file, unless there is one, and gives its public half. A pending file that holds no key is replaced: Okta can
// know none that it does not hold.
func keepKey(k KeepKey) (reconcile.Outcome, error) {
	file, err := whereKey(k.File)
	if err != nil {
		return reconcile.Outcome{}, err
	}
	said := "key in " + file
	if _, err := publicHalf(pemSecret(file), k.Algorithm); file == "" || err != nil && file != k.File {
		text, err := makeKey()
		if err != nil {
			return reconcile.Outcome{}, err
		}
		file, said = pendingOf(k.File), "a new key"
		if err := writeSecretFile(file, text); err != nil {
			return reconcile.Outcome{}, err
		}
	}
	public, err := publicHalf(pemSecret(file), k.Algorithm)
	if err != nil {
		return reconcile.Outcome{}, err
	}
	return reconcile.Outcome{Facts: map[string]reconcile.Value{attrPublicKey: public, factKeyID: public["kid"]}, Said: said}, nil
}

const (
	// factKeyID is the fact of an app with its new key's id.
	factKeyID = "key_id"
	// factOffKey is the fact of an app with Okta's own id of the key in the file, while that key is switched off.
	factOffKey = "off_key"
)

// deliver writes what a client needs beside the key, and then gives the pending key its final name: as long as it is pending, the delivery is unfinished.
func (d DeliverKey) deliver(resolve reconcile.Resolver) error {
	if err := d.writeEnv(resolve); err != nil {
		return err
	}
	if err := os.Rename(pendingOf(d.File), d.File); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("deliver key: %w", err)
	}
	return syncDir(filepath.Dir(d.File))
}

func (d DeliverKey) writeEnv(resolve reconcile.Resolver) error {
	if d.EnvFile == "" {
		return nil
	}
	values, err := valuesOf(d.EnvFile, d.Keys, resolve)
	if err != nil {
		return err
	}
	if values[keyKeyFile], err = filepath.Abs(d.File); err != nil { // whoever reads it may stand elsewhere
		return fmt.Errorf("deliver key: %w", err)
	}
	content, err := secretFile(formatEnv, values)
	if err != nil {
		return err
	}
	return writeSecretFile(d.EnvFile, content)
}

// keyState compares the key on this machine with those that an app has in Okta.
func keyState(where reconcile.Map, one raw) (reconcile.Value, error) {
	file, known := textOf(where["file"]), knownKeys(one)
	at, err := whereKey(file)
	switch {
	case err != nil:
		return nil, err
	case at == pendingOf(file), at == "" && len(known) == 0 && one.text("settings", "oauthClient", attrKeysURI) == "":
		return reconcile.Text(unfinished), nil
	case at == "":
		return reconcile.Text(delivered), nil // it may live elsewhere by now
	}
	public, err := publicHalf(pemSecret(at), textOf(where["algorithm"]))
	if err != nil {
		return nil, err
	}
	i := sameModulus(known, public)
	if i < 0 {
		return reconcile.Text(strangeKey), nil
	}
	if known[i].(reconcile.Map)["status"] == reconcile.Text(inactive) {
		return reconcile.Text(inactiveKey), nil
	}
	if env := textOf(where["env_file"]); env != "" { // it holds no secret, so it can always be written again
		if there, err := isThere(env); err != nil || !there {
			return reconcile.Text(noEnvFile), err
		}
	}
	return reconcile.Text(delivered), nil
}

// inactiveKeyID is Okta's id of the app's key that is the one in the file and switched off.
func inactiveKeyID(where reconcile.Map, one raw) string {
	known := knownKeys(one)
	public, err := publicHalf(pemSecret(textOf(where["file"])), textOf(where["algorithm"]))
	if err != nil {
		return ""
	}
	if i := sameModulus(known, public); i >= 0 {
		return textOf(known[i].(reconcile.Map)["id"])
	}
	return ""
}

// knownKeys are the keys of an app, as Okta shows them.
func knownKeys(one raw) []reconcile.Value {
	return reconcile.Members(one.at("settings", "oauthClient", attrKeys, "keys"))
}

// samePublicKey finds a key of any sort among others by what it is.
func samePublicKey(keys []reconcile.Value, key reconcile.Value) int {
	m, _ := key.(reconcile.Map)
	if m["n"] != nil {
		return sameModulus(keys, m)
	}
	return slices.IndexFunc(keys, func(v reconcile.Value) bool {
		other, _ := v.(reconcile.Map)
		return m["x"] != nil && reconcile.Equal(m["x"], other["x"]) && reconcile.Equal(m["y"], other["y"])
	})
}

// sameModulus finds an RSA key among others by what it is, not by its name; -1 when it is not there.
func sameModulus(keys []reconcile.Value, key reconcile.Map) int {
	return slices.IndexFunc(keys, func(v reconcile.Value) bool {
		m, _ := v.(reconcile.Map)
		return m["n"] != nil && reconcile.Equal(m["n"], key["n"]) && reconcile.Equal(m["e"], key["e"])
	})
}
