package reconcile

import (
	"iter"
	"time"

	"github.com/hashicorp/hcl/v2"
)

// Issuing is a [System] that gives accounts tokens: an identity provider. It is optional, and all that the engine asks of one.
type Issuing interface {
	// Tokens gives the tokens that accounts can get in a state: one for each account and authorization server that may give it any, also where nothing comes of it, in
	// order of account and server. What the state leaves out is as the last Read saw it. An account's tokens do not depend on other accounts' objects.
	// There may be thousands, and each is large: who needs little of them keeps that.
	Tokens(state []Object) iter.Seq[Token]
}

// Admitting is a [System] that lets holders of tokens in. It is optional.
type Admitting interface {
	// Doors lists the ways in for tokens in a state, in the order in which they are tried. What the state leaves out is as the last Read saw it.
	Doors(state []Object) []Door
}

// Token is what an account can get of an authorization server, all requests that it may make taken together.
type Token struct {
	Account Node // kind account
	Addr    Addr // of the account's object
	Range   hcl.Range
	Server  Source // who issues it
	// Issuer, Audience and Subject are what the token says; a Ref stands for what is known later, nil for what nobody knows.
	Issuer, Audience, Subject Value
	Scopes                    []Scope
	Claims                    []Claim
	// Requests are sets of scopes: any part of one but none can be asked for at once, and a token then has the claims that come with one of these, and those that come with
	// any. nil is that all claims come in every token.
	Requests [][]string
	// Life is how long the token with the account's claims lives; 0 when that is not known.
	Life      time.Duration
	LifeRange hcl.Range
	// Bound says that the token can only be used together with a key of the client (DPoP), and where that is said.
	Bound       bool
	BoundRange  hcl.Range
	BoundRemedy string
	// OffRemedy says how the account is switched off.
	OffRemedy string
	// Refused says why the account gets none; its other fields are then what would be in it. The zero Source is that it gets one.
	Refused Gap
	// Without are claims that the server has, and that this account's tokens lack.
	Without []Gap
}

// Gets says whether there is a token at all.
func (t Token) Gets() bool { return t.Refused == (Gap{}) }

// Scope is a scope that an account may get.
type Scope struct {
	Name string
	By   Source // the rule that gives it
}

// Claim is a claim in a token.
type Claim struct {
	Name   string
	Scopes []string // it comes with one of these; empty with any
	Values []string // the texts in it
	One    bool     // its value is one text, and no list
	Known  bool     // false when the value is an expression that only the server can compute
	Why    string   // why it is not known, for people
	By     Source   // the claim's object
	At     []Source // for each value, who gives it
}

// Source is the object, and its place in the spec, that makes something so; the range is zero for what no spec says.
type Source struct {
	Addr  Addr
	Text  string // "rule client-credentials of policy neo4j-service-accounts"
	Range hcl.Range
}

// Gap is something that is missing on the way of an account, and what would give it. The zero value is none.
type Gap struct {
	Name   string // of the claim that is missing, "" when there is no such thing
	Scope  string // of the scope for want of which it is
	Text   string // "no policy is for it"
	Remedy string // a sentence
	Addr   Addr   // the object to look at
	Range  hcl.Range
	// Other is the second place to look at; zero when there is none.
	Other      Addr
	OtherRange hcl.Range
	Meant      bool // the spec or the server says so outright: an app that is switched off
	Identity   bool // the claim is in ID tokens only
	Foreign    bool // somebody else's object is in the way
}

// Door is a way in for tokens.
type Door struct {
	Addr Addr
	Name string
	On   string // [Node.On] of the server's roles
	// From names the connections ([Node.On]) whose tokens it is declared for; nil when it does not say.
	From  []string
	In    string // [Node.In] of the groups that are read here: "" for the only door of the unnamed connection
	Range hcl.Range
	// Issuer is what a token's issuer has to be, nil when only the provider's own document says it and that cannot be told from its address.
	// IssuerSet says that the spec or the server names it, and that it does not only follow from an address.
	Issuer      Value
	IssuerSet   bool
	IssuerRange hcl.Range
	// Keys is the issuer whose keys signatures are checked with, as the addresses tell it; nil when they do not.
	Keys Value
	// Audience holds what a token may be for.
	Audience      []Value
	AudienceRange hcl.Range
	// GroupsClaim and SubjectClaim are the claims that are read.
	GroupsClaim, SubjectClaim string
	SubjectElsewhere          bool // the user's name comes from somewhere else than the token
	GroupsRange               hcl.Range
	// GroupsElsewhere says that the groups come from somewhere else than the token.
	GroupsElsewhere bool
	Open            bool // logins are taken
	Maps            bool // and groups become roles
	// Mapping says which roles a group gets; Automatic, that groups get the role of their own name; Unknown, that live servers disagree.
	Mapping      map[string][]string
	MappingRange hcl.Range
	MappingAt    map[string]hcl.Range // of each group that the spec writes out
	Automatic    bool
	Unknown      bool
	// Roles are the names of all roles that there are; nil when nobody knows.
	Roles map[string]bool
	// Identity says which tokens clients are told to send: true for ID tokens, which an account without a person never gets.
	Identity      bool
	IdentityRange hcl.Range
	// Locals are the users under whom holders of tokens may run.
	Locals Locals
	// CacheTTL is how long a login may be remembered; 0 when that is not known.
	CacheTTL time.Duration
	// Public is the role that every login has, "" when there is none.
	Public string
	Words  DoorWords
}

// DoorWords are what a door's system calls things, for messages.
type DoorWords struct {
	Product    string // Neo4j
	Mapping    string // the attribute that maps groups to roles
	Groups     string // the attribute that names the groups' claim
	Server     string // the attribute from which issuer and audience follow
	Identity   string // what asks for access tokens: token_type = "access_token"
	Role       string // what declares a role: neo4j "role"
	Required   string // the setting that demands a local user
	CacheTTL   string // the setting for how long a login is remembered
	OpenList   string // the setting that lists who is asked at logins
	MapsList   string // the setting that lists whose groups count
	Everywhere string // where the mapping holds: "all 3 members", "" when that is not known
	LocalUser  string // what declares a local user for this door: neo4j "user" with auth "oidc-x"
}

// Locals are the users that a server has besides the accounts of others.
type Locals struct {
	Required   bool // a token's holder that is none of them is refused
	Known      bool // whether they could be read
	NativeRole bool // the roles of a local user count beside those of the groups
	// By finds a user by the [SubjectKey] of its id at one door, ByProvider at each, ByName by its own name.
	By         map[string]Local
	ByProvider map[string]map[string]Local
	ByName     map[string]Local
}

// For is those that a provider knows.
func (l Locals) For(provider string) map[string]Local { return l.ByProvider[provider] }

// Local is one such user.
type Local struct {
	Name      string
	Suspended bool
	Roles     []string
	By        Source
}

// SubjectKey is how a subject is looked up: a text by itself, one that is known later by its reference.
func SubjectKey(v Value) string {
	if t, ok := v.(Text); ok {
		return string(t)
	}
	return canonical(v)
}
