package evidence

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"crypto/x509"

	"golang.org/x/crypto/ssh"
)

// Namespace is what signatures are made for: one that was made for another purpose does not count.
const Namespace = "keymaker-drift"

const (
	armorType = "SSH SIGNATURE"
	magic     = "SSHSIG"
	hashName  = "sha512"
)

// Signer signs evidence with a private key.
type Signer struct{ key ssh.Signer }

// LoadSigner reads a private key: OpenSSH's format, or PEM in PKCS #8, PKCS #1 or SEC 1; ed25519, ECDSA or RSA. passphrase is asked for when the key is encrypted, and says
// whether there is one. Errors never quote the key.
func LoadSigner(file string, passphrase func() (string, bool)) (*Signer, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	raw, err := ssh.ParseRawPrivateKey(text)
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		word, ok := passphrase()
		if !ok {
			return nil, fmt.Errorf("signing key %s is encrypted: set KEYMAKER_SIGN_PASSPHRASE, or give a key that is not", file)
		}
		raw, err = ssh.ParseRawPrivateKeyWithPassphrase(text, []byte(word))
	}
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %s", file, unread(text, err))
	}
	key, err := ssh.NewSignerFromKey(raw)
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %s", file, plainReason(err))
	}
	if !slices.Contains(keyTypes, key.PublicKey().Type()) {
		return nil, fmt.Errorf("signing key %s is a %s key: use ed25519, ECDSA or RSA", file, key.PublicKey().Type())
	}
	return &Signer{key}, nil
}

// unread says why a file is no key that signs, and what to do where that is known.
func unread(text []byte, err error) string {
	block, _ := pem.Decode(text)
	_, _, _, _, notPublic := ssh.ParseAuthorizedKey(text)
	switch {
	case notPublic == nil, block != nil && strings.Contains(block.Type, "PUBLIC"):
		return "it is a public key: give the private one"
	case bytes.HasPrefix(text, []byte("PuTTY-User-Key-File")):
		return "it is in PuTTY's format: write it in OpenSSH's, with puttygen KEY -O private-openssh -o FILE"
	case block != nil && block.Type == "ENCRYPTED PRIVATE KEY":
		return "it is encrypted as PKCS #8 does, which is not read: take the passphrase off with openssl pkey -in KEY -out FILE, and put one on with ssh-keygen -p -f FILE"
	}
	return "not a private key that can be read: " + plainReason(err)
}

// keyTypes are the keys that may sign.
var keyTypes = []string{ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSA}

// plainReason is an error of the key's parser without anything that it may have quoted.
func plainReason(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	if errors.Is(err, x509.IncorrectPasswordError) {
		return "the passphrase is wrong"
	}
	return text
}

// Fingerprint names the public key, as ssh-keygen -l does: SHA256:….
func (s *Signer) Fingerprint() string { return ssh.FingerprintSHA256(s.key.PublicKey()) }

// PublicLine is the public key as a line of an allowed signers file wants it, without a name.
func (s *Signer) PublicLine() string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(s.key.PublicKey())))
}

// blob is a signature on the wire (PROTOCOL.sshsig of OpenSSH), behind the magic.
type blob struct {
	Version   uint32
	PublicKey string
	Namespace string
	Reserved  string
	Hash      string
	Signature string
}

// signedData is what the key signs.
type signedData struct{ Namespace, Reserved, Hash, Digest string }

func signed(text []byte, hash string) ([]byte, error) {
	var digest []byte
	switch hash {
	case "sha512":
		sum := sha512.Sum512(text)
		digest = sum[:]
	case "sha256":
		h := crypto.SHA256.New()
		h.Write(text)
		digest = h.Sum(nil)
	default:
		return nil, fmt.Errorf("its hash %q is none that OpenSSH's format knows", hash)
	}
	return append([]byte(magic), ssh.Marshal(signedData{Namespace, "", hash, string(digest)})...), nil
}

func (s *Signer) sign(text []byte) ([]byte, error) {
	data, err := signed(text, hashName)
	if err != nil {
		return nil, err
	}
	var made *ssh.Signature
	if rsa, ok := s.key.(ssh.AlgorithmSigner); ok && s.key.PublicKey().Type() == ssh.KeyAlgoRSA {
		made, err = rsa.SignWithAlgorithm(rand.Reader, data, ssh.KeyAlgoRSASHA512) // SHA-1, which the plain name means, is not allowed here
	} else {
		made, err = s.key.Sign(rand.Reader, data)
	}
	if err != nil {
		return nil, fmt.Errorf("evidence: sign: %w", err)
	}
	wire := append([]byte(magic), ssh.Marshal(blob{1, string(s.key.PublicKey().Marshal()), Namespace, "", hashName, string(ssh.Marshal(made))})...)
	return armor(wire), nil
}

// armor writes a signature as ssh-keygen does: lines of 70 columns.
func armor(wire []byte) []byte {
	var b bytes.Buffer
	b.WriteString("-----BEGIN " + armorType + "-----\n")
	for line := range slices.Chunk([]byte(base64.StdEncoding.EncodeToString(wire)), 70) {
		b.Write(append(line, '\n'))
	}
	b.WriteString("-----END " + armorType + "-----\n")
	return b.Bytes()
}

// verify checks a signature over a text and gives the key that made it.
func verify(text, armored []byte) (ssh.PublicKey, error) {
	block, rest := pem.Decode(armored)
	if block == nil || block.Type != armorType || len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New("its signature is not in OpenSSH's format")
	}
	wire, ok := bytes.CutPrefix(block.Bytes, []byte(magic))
	var b blob
	if !ok || ssh.Unmarshal(wire, &b) != nil || b.Version != 1 {
		return nil, errors.New("its signature is not in OpenSSH's format")
	}
	if b.Namespace != Namespace {
		return nil, fmt.Errorf("its signature was made for %q, not for %s", b.Namespace, Namespace)
	}
	key, err := ssh.ParsePublicKey([]byte(b.PublicKey))
	if err != nil || !slices.Contains(keyTypes, key.Type()) {
		return nil, errors.New("its signature has no key of a kind that may sign")
	}
	var made ssh.Signature
	if err := ssh.Unmarshal([]byte(b.Signature), &made); err != nil || made.Format == ssh.KeyAlgoRSA {
		return nil, errors.New("its signature is of no kind that counts")
	}
	data, err := signed(text, b.Hash)
	if err != nil {
		return nil, err
	}
	if err := key.Verify(data, &made); err != nil {
		return nil, errors.New("its signature is not of these bytes: it was changed, or signed by somebody else")
	}
	return key, nil
}
