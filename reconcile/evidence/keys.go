package evidence

import (
	"bufio"
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"
)

// Keys are the public keys whose signatures count, with the names of who holds them.
type Keys struct{ names map[string]string } // by fingerprint

// Len is how many keys there are.
func (k Keys) Len() int { return len(k.names) }

// who names the holder of a key; false when it is none of ours.
func (k Keys) who(key ssh.PublicKey) (string, bool) {
	name, ok := k.names[ssh.FingerprintSHA256(key)]
	return name, ok
}

// ParseKeys reads public keys: lines of an allowed signers file (ssh-keygen's manual, "ALLOWED SIGNERS": names, options, key), lines as in authorized_keys or a .pub file, or
// PEM blocks with a public key. Of the options only namespaces is taken; a line with another, which would limit what this check does not look at, is an error.
func ParseKeys(text []byte) (Keys, error) {
	keys := Keys{names: map[string]string{}}
	if block, rest := pem.Decode(text); block != nil {
		for ; block != nil; block, rest = pem.Decode(rest) {
			if err := keys.addPEM(block); err != nil {
				return Keys{}, err
			}
		}
		return keys, nil
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := keys.addLine(line); err != nil {
			return Keys{}, fmt.Errorf("line %d: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return Keys{}, err
	}
	if keys.Len() == 0 {
		return Keys{}, fmt.Errorf("there is no public key in it")
	}
	return keys, nil
}

func (k Keys) addPEM(block *pem.Block) error {
	if strings.Contains(block.Type, "PRIVATE") {
		return fmt.Errorf("it is a private key: give the public one")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return fmt.Errorf("PEM block %s holds no public key", block.Type)
	}
	key, err := ssh.NewPublicKey(parsed)
	if err != nil {
		return fmt.Errorf("PEM block %s: %w", block.Type, err)
	}
	k.names[ssh.FingerprintSHA256(key)] = ssh.FingerprintSHA256(key)
	return nil
}

func (k Keys) addLine(line string) error {
	name, rest := "", line
	if first, after, ok := strings.Cut(line, " "); ok && !isKeyType(first) {
		name, rest = first, strings.TrimSpace(after)
	}
	key, comment, options, _, err := ssh.ParseAuthorizedKey([]byte(rest))
	if err != nil {
		return fmt.Errorf("it is no public key")
	}
	for _, o := range options {
		value, ok := strings.CutPrefix(o, "namespaces=")
		if !ok {
			return fmt.Errorf("its option %s is not one that this check knows", o)
		}
		if !strings.Contains(","+strings.Trim(value, `"`)+",", ","+Namespace+",") {
			return nil // a key for something else
		}
	}
	if name == "" {
		name = comment
	}
	if name == "" {
		name = ssh.FingerprintSHA256(key)
	}
	k.names[ssh.FingerprintSHA256(key)] = name
	return nil
}

// isKeyType says whether a word is how a key begins.
func isKeyType(word string) bool {
	return strings.HasPrefix(word, "ssh-") || strings.HasPrefix(word, "ecdsa-sha2-") || strings.HasPrefix(word, "sk-")
}
