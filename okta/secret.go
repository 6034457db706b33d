package okta

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/joho/godotenv"

	"keymaker/reconcile"
)

// The names in a delivered file: what scripts that get a token read.
const (
	keyDomain   = "OKTA_DOMAIN"
	keyClientID = "OKTA_CLIENT_ID"
	keySecret   = "OKTA_CLIENT_SECRET"
	keyScope    = "OKTA_SCOPE"
	keyNeo4j    = "NEO4J_URI"
	keyIssuer   = "OKTA_ISSUER"
	keyKeyFile  = "OKTA_CLIENT_PRIVATEKEY" // a path, as Okta's own tools take it
	keyKeyID    = "OKTA_CLIENT_PRIVATEKEYID"
)

// secretAlphabet is what Okta itself makes client secrets of; 64 of them is the length of its own.
const (
	secretAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
	secretLength   = 64
)

var secretPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{64}$`)

// makeSecret draws a client secret from the system's random source. The alphabet has 64 characters, so six bits of a byte are one, without bias.
func makeSecret() string {
	var b [secretLength]byte
	_, _ = rand.Read(b[:]) // never fails: the program ends instead
	for i := range b {
		b[i] = secretAlphabet[b[i]&63]
	}
	return string(b[:])
}

// pendingOf is where a secret is kept until it is delivered.
func pendingOf(file string) string { return file + ".pending" }

// pendingSecret is the secret in a pending file.
func pendingSecret(file string) reconcile.Secret {
	path := pendingOf(file)
	return reconcile.NewSecret("file "+path, func() (string, error) {
		b, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		s := strings.TrimSpace(string(b))
		if !secretPattern.MatchString(s) {
			return "", fmt.Errorf("%s holds no client secret: remove it, and run keymaker again", path)
		}
		return s, nil
	})
}

// isPending says whether a delivery was cut off.
func isPending(file string) (bool, error) { return isThere(pendingOf(file)) }

// keepSecret makes a secret and writes it beside its file. One that is there already is kept: it may be live, when an earlier run was cut off after Okta
// took it and before its answer came. fresh says that it was made now.
func keepSecret(file string) (fresh bool, err error) {
	if _, err := reveal(pendingSecret(file)); err == nil {
		return false, nil
	}
	err = writeSecretFile(pendingOf(file), []byte(makeSecret()+"\n"))
	return err == nil, err
}

// writeSecretFile writes a file that only its owner may read, all or nothing, on disk when it returns.
func writeSecretFile(path string, content []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make folder for the secret: %w", err)
	}
	// renameio fsyncs the file before it renames it, and keeps no wider mode of an older file.
	if err := renameio.WriteFile(path, content, 0o600, renameio.WithStaticPermissions(0o600)); err != nil {
		return fmt.Errorf("write secret file: %w", err)
	}
	return syncDir(dir)
}

// syncDir makes a rename last through a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("open folder of the secret: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("sync folder of the secret: %w", err)
	}
	return nil
}

// deliver writes the file that a client script reads, and removes the pending one.
func (d Deliver) deliver(resolve reconcile.Resolver) error {
	values, err := valuesOf(d.File, d.Keys, resolve)
	if err != nil {
		return err
	}
	content, err := secretFile(d.Format, values)
	if err != nil {
		return err
	}
	if err := writeSecretFile(d.File, content); err != nil {
		return err
	}
	if err := os.Remove(pendingOf(d.File)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove pending secret: %w", err)
	}
	return syncDir(filepath.Dir(d.File))
}

// valuesOf are the texts that a delivered file says.
func valuesOf(file string, keys reconcile.Map, resolve reconcile.Resolver) (map[string]string, error) {
	values := map[string]string{}
	for name, v := range keys {
		switch v := reconcile.Resolve(v, resolve).(type) {
		case reconcile.Text:
			values[name] = string(v)
		case reconcile.Secret:
			s, err := reveal(v)
			if err != nil {
				return nil, fmt.Errorf("client secret: %w", err)
			}
			values[name] = s
		default:
			return nil, fmt.Errorf("%s of %s is not known", name, file)
		}
	}
	return values, nil
}

func secretFile(format string, values map[string]string) ([]byte, error) {
	if format == formatJSON {
		b, err := json.MarshalIndent(values, "", "  ")
		return append(b, '\n'), err
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(values)) {
		line, err := quoteEnv(values[name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		b.WriteString(name + "=" + line + "\n")
	}
	return []byte(b.String()), nil
}

var plainEnv = regexp.MustCompile(`^[A-Za-z0-9_.:/@%+,-]+$`)

// quoteEnv writes a value so that shells and dotenv readers take it alike; plain ones stay bare, for readers that know no quotes. Those readers do not
// agree on quotes and backslashes inside quotes, and none of our values has any, so they are refused. (godotenv.Marshal would turn 007 into 7.)
func quoteEnv(s string) (string, error) {
	if plainEnv.MatchString(s) {
		return s, nil
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == '"' || r == '\\' }) {
		return "", errors.New(`a value with quotes, backslashes or control characters has no safe form in an env file: use format = "json"`)
	}
	return `"` + strings.NewReplacer("$", `\$`, "`", "\\`").Replace(s) + `"`, nil
}

// deliveredSecret is the client secret in a delivered file; false when the file is not there.
func deliveredSecret(file, format string) (reconcile.Secret, bool) {
	if _, err := os.Stat(file); err != nil {
		return reconcile.Secret{}, false
	}
	return reconcile.NewSecret("file "+file, func() (string, error) {
		b, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		values := map[string]string{}
		if format == formatJSON {
			err = json.Unmarshal(b, &values)
		} else {
			values, err = godotenv.UnmarshalBytes(b)
		}
		if err != nil {
			return "", fmt.Errorf("%s is not in the format %s", file, format) // the cause would quote what it could not read
		}
		if values[keySecret] == "" {
			return "", fmt.Errorf("%s has no %s", file, keySecret)
		}
		return values[keySecret], nil
	}), true
}
