package neo4j

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"keymaker/reconcile"
)

// Settings of a provider may hold a secret: a client's secret among the parameters of the token request. Everywhere but in the call that sends it and in the file that
// keeps it a secret is its origin, "(secret from env NAME)": the want has that text, and a live value is given that text when it is the secret. So plans, reports and
// logs never see more, and a secret that changed is still a difference.

// attrTokenSecrets are the members of token_params that are secrets.
const attrTokenSecrets = "token_secrets"

// The words for live values that are not shown.
const (
	hiddenValue = "(sensitive)"
	otherValue  = "(another value)"
)

// secretMaps are the attributes whose members may be secrets.
var secretMaps = []string{"token_params", "auth_params"}

// looksSecret says whether a parameter of that name is one that nobody should read.
func looksSecret(key string) bool {
	key = strings.ToLower(key)
	for _, word := range []string{"secret", "password", "assertion", "private", "api_key", "apikey"} {
		if strings.Contains(key, word) {
			return true
		}
	}
	return false
}

// tokenSecrets adds the secrets to token_params, as their origins.
func (d *declaration) tokenSecrets() {
	for _, attr := range secretMaps {
		m, _ := d.block.Value(attr).(reconcile.Map)
		for _, k := range sortedKeys(m) {
			if looksSecret(k) {
				d.fail(memberAt(d.block.Fields[attr], k), "Secret written out", attr+"."+k+` is a secret, and a secret does not stand in a spec. Write token_secrets = { `+k+` = env("NAME") }.`)
			}
		}
	}
	if !d.has(attrTokenSecrets) {
		return
	}
	arg := d.block.Fields[attrTokenSecrets]
	secrets, _ := arg.Value.(reconcile.Map)
	params, _ := d.object.Get("token_params").(reconcile.Map)
	merged := make(reconcile.Map, len(params)+len(secrets))
	for k, v := range params {
		merged[k] = v
	}
	for _, k := range sortedKeys(secrets) {
		secret, ok := secrets[k].(reconcile.Secret)
		if _, twice := params[k]; twice || !ok || secret.IsZero() {
			d.fail(memberAt(arg, k), "Secret is refused", "A member of token_secrets is env(\"NAME\") or secret_file(\"PATH\"), and stands in token_secrets only.")
			continue
		}
		merged[k] = reconcile.Text(secret.String())
	}
	d.object.Set(reconcile.Attr{Name: attrTokenSecrets, Value: secrets, Range: arg.Range, Items: arg.Items})
	d.object.Set(reconcile.Attr{Name: "token_params", Value: merged, Range: arg.Range})
	d.warn(arg.Range, "Browsers read this secret", "Neo4j hands token_params to every browser that asks for its providers. Where the identity provider allows it, register a public client with PKCE instead.")
}

// secretsOf is the secrets of a wanted provider by what stands for them.
func secretsOf(o reconcile.Object) map[string]reconcile.Secret {
	m, _ := o.Get(attrTokenSecrets).(reconcile.Map)
	out := make(map[string]reconcile.Secret, len(m))
	for _, v := range m {
		if s, ok := v.(reconcile.Secret); ok {
			out[s.String()] = s
		}
	}
	return out
}

// masked is a live value of a setting with each secret in it as its origin, or hidden when it is none that the want knows.
func (c *client) masked(attr string, v, want reconcile.Value, secrets map[string]reconcile.Secret) reconcile.Value {
	if !holdsSecrets(attr) {
		return v
	}
	m, isMap := v.(reconcile.Map)
	if !isMap {
		if v == nil {
			return nil
		}
		return reconcile.Text(hiddenValue) // it does not parse, and nobody knows what is in it
	}
	wanted, _ := want.(reconcile.Map)
	out := make(reconcile.Map, len(m))
	for k, member := range m {
		placeholder, _ := wanted[k].(reconcile.Text)
		secret, isSecret := secrets[string(placeholder)]
		switch {
		case attr == "token_params" && isSecret && c.holds(secret, member):
			member = placeholder
		case attr == "token_params" && isSecret:
			member = reconcile.Text(otherValue)
		case looksSecret(k):
			member = reconcile.Text(hiddenValue)
		}
		out[k] = member
	}
	return out
}

func holdsSecrets(attr string) bool {
	for _, a := range secretMaps {
		if a == attr {
			return true
		}
	}
	return false
}

// secretsFor is secretsOf for the one setting that they belong to.
func secretsFor(attr string, want reconcile.Object) map[string]reconcile.Secret {
	if attr != "token_params" {
		return nil
	}
	return secretsOf(want)
}

// lineMark is what a plan keeps of a line, to see whether it changed since.
func lineMark(key string, text *string) *string {
	if text == nil {
		return nil
	}
	mark := fingerprint(key, *text)
	return &mark
}

// fingerprint stands for the text of a line that may hold a secret, to see whether it changed since.
func fingerprint(key, text string) string {
	if !holdsSecrets(attrOf(key)) {
		return text
	}
	sum := sha256.Sum256([]byte(key + "=" + text))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// printable is a setting's live text for people.
func printable(key string, text *string) string {
	if text != nil && holdsSecrets(attrOf(key)) {
		return hiddenValue
	}
	return quoted(text)
}

// unsaid takes the secrets out of a server's words about a value.
func unsaid(text string, hidden map[string]string) string {
	for value, origin := range hidden {
		if value != "" {
			text = strings.ReplaceAll(text, value, origin)
		}
	}
	return text
}

// text opens the secrets and writes the setting. hidden maps each secret's value to what stands for it, for the answers.
func (c *client) text(v reconcile.Value, secrets map[string]reconcile.Secret, resolve reconcile.Resolver) (text string, hidden map[string]string, err error) {
	v = reconcile.Resolve(v, resolve)
	m, isMap := v.(reconcile.Map)
	if len(secrets) == 0 || !isMap {
		text, err = settingText(v)
		return text, nil, err
	}
	opened := make(reconcile.Map, len(m))
	hidden = make(map[string]string)
	for k, member := range m {
		opened[k] = member
		placeholder, _ := member.(reconcile.Text)
		secret, isSecret := secrets[string(placeholder)]
		if !isSecret {
			continue
		}
		plain, err := c.reveal(secret)
		if err != nil {
			return "", nil, fmt.Errorf("%s: %w", k, err)
		}
		opened[k] = reconcile.Text(plain)
		hidden[plain] = string(placeholder)
	}
	if text, err = settingText(opened); err != nil { // the cause may quote it
		err = errors.New("a secret that no map setting can hold: it may have no ;, no line breaks and no blanks at its ends")
	}
	return text, hidden, err
}
