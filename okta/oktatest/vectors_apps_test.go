package oktatest_test

import "strings"

const (
	apps    = "/api/v1/apps"
	instant = `~^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$` // how Okta writes times
	badApp  = `errorCode="E0000001"`
)

// appWith is the service app with something in another place: members are JSON pairs of oauthClient settings, credentials, or the app itself.
func appWith(settings, credentials, more string) string {
	s := `{"name":"oidc_client","label":"etl","signOnMode":"OPENID_CONNECT"` + comma(more) + `,"credentials":{"oauthClient":{` + credentials +
		`}},"settings":{"oauthClient":{"application_type":"service","grant_types":["client_credentials"],"response_types":["token"]` + comma(settings) + `}}}`
	return s
}

func comma(s string) string {
	if s == "" {
		return ""
	}
	return "," + s
}

func refused(body string) vector {
	return vector{ref, "POST", apps, body, 400, []string{badApp}, ""}
}

func secretOf(n int) string { return `"client_secret":"` + strings.Repeat("x", n) + `"` }

var applicationSections = []chapter{
	{"apps: create, answer", []vector{
		{recorded, "POST", apps, serviceApp, 200, []string{"id~^0oa[A-Za-z0-9]{17}$", "created" + instant, "lastUpdated" + instant, "orn~^orn:okta(preview)?:idp:00o[A-Za-z0-9]{17}:apps:oidc_client:0oa",
			"credentials.oauthClient.client_secret~^[A-Za-z0-9_-]{64}$", "credentials.signing.kid~.", `credentials.oauthClient.token_endpoint_auth_method="client_secret_basic"`,
			"order=id,orn,name,label,status,lastUpdated,created,accessibility,visibility,features,signOnMode,credentials,universalLogout,settings,profile,_links",
			`visibility.appLinks={"oidc_client_link":true}`, `visibility.autoLaunch=false`, `visibility.autoSubmitToolbar=false`, `settings.manualProvisioning=false`,
			`settings.oauthClient.logo_uri=null`, `settings.oauthClient.jwks=absent`, `settings.oauthClient.application_type="service"`, `settings.oauthClient.response_types=["token"]`}, "app=id"},
		{recorded, "GET", apps + "/{app}", "", 200, []string{`id="{app}"`, `credentials.oauthClient.client_secret=absent`, `_links.activate=absent`, "_links.deactivate.href~/lifecycle/deactivate$",
			"_links.users.href~.", "_links.groups.href~.", "_links.accessPolicy.href~.", "_links.uploadLogo.href~.", "_links.policies.href~.", "_links.profileEnrollment.href~."}, ""},
		{recorded, "POST", apps, strings.Replace(serviceApp, `,
 "profile":{"neo4j_groups":["reader","writer"]}`, "", 1), 200, []string{`profile=absent`}, "bare=id"},
		{recorded, "GET", apps + "/{bare}", "", 200, []string{`profile=absent`}, ""},
		{recorded, "GET", apps + "/{app}/credentials/secrets", "", 200, []string{`#=1`, `0.status="ACTIVE"`}, ""},
	}},
	{"apps: create, chosen client", []vector{
		{recorded, "POST", apps, appWith("", `"client_id":"chosen-client","client_secret":"chosen-secret-of-32-characters-0"`, ""), 200,
			[]string{`credentials.oauthClient.client_id="chosen-client"`, `credentials.oauthClient.client_secret="chosen-secret-of-32-characters-0"`, "id~^0oa"}, "app=id"},
		refused(appWith("", `"client_id":"chosen-client"`, "")), // Okta refuses a second one
		refused(appWith("", `"client_id":"five5"`, "")), refused(appWith("", `"client_id":"`+strings.Repeat("x", 101)+`"`, "")), refused(appWith("", `"client_id":"ALL_CLIENTS"`, "")),
		refused(appWith("", `"client_id":"with space"`, "")),
		{ref, "POST", apps, appWith("", `"client_id":"$-_.+!*'(),"`, ""), 200, nil, ""},
		{ref, "PUT", apps + "/{app}", appWith("", `"client_id":"another-client"`, ""), 400, []string{badApp}, ""},
	}},
	{"apps: create, limits and enums", []vector{
		{recorded, "POST", apps, strings.Replace(serviceApp, `"label":"etl",`, "", 1), 400, []string{badApp, `errorCauses.0.errorSummary="label: Label must be specified"`}, ""},
		refused(strings.Replace(serviceApp, `"etl"`, `"`+strings.Repeat("x", 101)+`"`, 1)),
		{ref, "POST", apps, strings.Replace(serviceApp, `"etl"`, `"`+strings.Repeat("x", 100)+`"`, 1), 200, nil, ""},
		refused(strings.Replace(serviceApp, `"grant_types":["client_credentials"],`, "", 1)),
		refused(appWith("", `"token_endpoint_auth_method":"magic"`, "")), refused(appWith(`"consent_method":"MAYBE"`, "", "")), refused(appWith(`"issuer_mode":"MINE"`, "", "")),
		refused(strings.Replace(appWith("", "", ""), `"service"`, `"daemon"`, 1)), refused(appWith(`"client_uri":"https://e.example/`+strings.Repeat("x", 1024)+`"`, "", "")),
		{recorded, "POST", apps, appWith(`"dpop_bound_access_tokens":true`, "", ""), 200, []string{`settings.oauthClient.dpop_bound_access_tokens=true`}, ""}, // with client_credentials
		{ref, "POST", apps, appWith(`"issuer_mode":"DYNAMIC","consent_method":"REQUIRED"`, "", ""), 200, []string{`settings.oauthClient.issuer_mode="DYNAMIC"`, `settings.oauthClient.consent_method="REQUIRED"`}, ""},
		{recorded, "POST", apps, appWith("", "", `"profile":{"list":[["a"],{"b":[1,2.50,null]}],"text":""}`), 200, []string{`profile={"list":[["a"],{"b":[1,2.5,null]}],"text":""}`}, ""},
		refused(appWith("", "", `"profile":"text"`)),
	}},
	{"apps: client secret's length", []vector{
		refused(appWith("", secretOf(13), "")), refused(appWith("", secretOf(101), "")), refused(appWith("", `"token_endpoint_auth_method":"client_secret_jwt",`+secretOf(31), "")),
		{ref, "POST", apps, appWith("", secretOf(14), ""), 200, nil, ""}, {ref, "POST", apps, appWith("", secretOf(100), ""), 200, nil, ""},
		{ref, "POST", apps, appWith("", `"token_endpoint_auth_method":"client_secret_jwt",`+secretOf(32), ""), 200, nil, "app=id"},
		{ref, "POST", apps + "/{app}/credentials/secrets", `{` + secretOf(31) + `}`, 400, []string{`errorSummary="Api validation failed: client_secret"`,
			`errorCauses.0.errorSummary="client_secret: 'client_secret' must be at least '32' characters long when 'token_endpoint_auth_method' is 'client_secret_jwt'."`}, ""},
		{ref, "POST", apps + "/{app}/credentials/secrets", `{` + secretOf(101) + `}`, 400, []string{`errorCauses.0.errorSummary="client_secret: 'client_secret' cannot be more than '100' characters long."`}, ""},
		{ref, "POST", apps + "/{app}/credentials/secrets", `{` + secretOf(13) + `}`, 400, []string{"errorCauses.0.errorSummary~must be at least"}, ""},
		{ref, "POST", apps + "/{app}/credentials/secrets", `{"client_secret":"non printable \u00fc, of 32 characters"}`, 400, []string{`errorSummary="Api validation failed: client_secret"`}, ""},
	}},
	{"apps: replace", []vector{
		{recorded, "POST", apps, serviceApp, 200, nil, "app=id"},
		{recorded, "PUT", apps + "/{app}", appWith("", "", `"profile":{"other":1}`), 200, []string{`profile={"other":1}`, "credentials.oauthClient.client_secret~."}, ""}, // no merge
		{recorded, "PUT", apps + "/{app}", appWith("", "", ""), 200, []string{`profile=absent`}, ""},
		{recorded, "GET", apps + "/{app}", "", 200, []string{`profile=absent`}, ""},
		{ref, "PUT", apps + "/{app}", appWith("", "", `"status":"INACTIVE","id":"0oaOTHER","created":"2001-01-01T00:00:00.000Z","lastUpdated":"x"`), 200, []string{`status="ACTIVE"`, `id="{app}"`, "created~^20[2-9]"}, ""},
		{recorded, "PUT", apps + "/{app}", appWith("", "", ""), 200, []string{`settings.notes={"admin":null,"enduser":null}`, `accessibility.selfService=false`, `credentials.userNameTemplate.type="BUILT_IN"`}, ""},
		{ref, "PUT", apps + "/{app}", appWith("", `"client_secret":"a-new-secret-of-many-characters"`, ""), 200, []string{`credentials.oauthClient.client_secret="a-new-secret-of-many-characters"`}, ""},
		{recorded, "PUT", apps + "/{app}", appWith("", `"client_secret":""`, ""), 200, []string{`credentials.oauthClient.client_secret="a-new-secret-of-many-characters"`}, ""},
		{ref, "PUT", apps + "/{app}", appWith("", "", ""), 200, []string{`credentials.oauthClient.client_secret="a-new-secret-of-many-characters"`}, ""},
		{recorded, "PUT", apps + "/0oaNOPE", serviceApp, 404, []string{`errorCode="E0000007"`, `errorSummary="Not found: Resource not found: 0oaNOPE (AppInstance)"`}, ""},
	}},
	{"apps: lifecycle", []vector{
		{recorded, "POST", apps + "?activate=false", serviceApp, 200, []string{`status="INACTIVE"`, "_links.activate.href~/lifecycle/activate$"}, "app=id"},
		{recorded, "POST", apps + "/{app}/lifecycle/activate", "", 200, []string{`={}`}, ""},
		{strict, "POST", apps + "/{app}/lifecycle/activate", "", 200, []string{`={}`}, ""},
		{recorded, "GET", apps + "/{app}", "", 200, []string{`status="ACTIVE"`}, ""},
		{recorded, "POST", apps + "/{app}/lifecycle/deactivate", "", 200, []string{`={}`}, ""},
		{strict, "POST", apps + "/{app}/lifecycle/deactivate", "", 200, []string{`={}`}, ""},
		{recorded, "DELETE", apps + "/{app}", "", 204, nil, ""}, {recorded, "DELETE", apps + "/{app}", "", 404, []string{`errorCode="E0000007"`}, ""},
		{recorded, "POST", apps + "/{app}/lifecycle/activate", "", 404, []string{`errorSummary="Not found: Resource not found: {app} (AppInstance)"`}, ""},
	}},
	{"apps: list", []vector{
		{recorded, "POST", apps + "?activate=false", serviceApp, 200, nil, "app=id"},
		{recorded, "GET", apps + "?limit=200&q=etl", "", 200, []string{`#=1`, `0.status="INACTIVE"`, `0.profile={"neo4j_groups":["reader","writer"]}`, `0.credentials.oauthClient.client_secret=absent`,
			`0.settings.oauthClient.dpop_bound_access_tokens=false`, "0._links.activate.href~."}, ""},
		{ref, "GET", apps + "?q=et", "", 200, []string{`#=1`}, ""}, {ref, "GET", apps + "?q=tl", "", 200, []string{`=[]`}, ""}, // the beginning of a name or label
		{recorded, "GET", apps + "?q=nobody", "", 200, []string{`=[]`}, ""},
		{ref, "GET", apps + `?filter=status+eq+%22INACTIVE%22`, "", 200, []string{`#=1`}, ""}, {ref, "GET", apps + `?filter=id+eq+%22{app}%22`, "", 200, []string{`0.id="{app}"`}, ""},
		{ref, "GET", apps + "?limit=201&q=etl", "", 200, []string{`#=1`}, ""}, // never more than 200
		{recorded, "GET", apps + "?includeNonDeleted=true&q=etl", "", 200, []string{`#=1`}, ""},
		{recorded, "DELETE", apps + "/{app}", "", 204, nil, ""}, {recorded, "GET", apps + "?q=etl", "", 200, []string{`=[]`}, ""},
	}},
	{"apps: secrets", []vector{
		{recorded, "POST", apps, serviceApp, 200, nil, "app=id"},
		{recorded, "POST", apps + "/{app}/credentials/secrets", "", 201, []string{"id~^ocs", "client_secret~^[A-Za-z0-9_-]{64}$", "secret_hash~^[A-Za-z0-9_-]{22}$", "created" + instant, "lastUpdated" + instant,
			"_links.deactivate.href~.", `_links.activate=absent`}, "new=id"},
		{recorded, "GET", apps + "/{app}/credentials/secrets/{new}", "", 200, []string{"client_secret~."}, ""},
		{recorded, "GET", apps + "/{app}/credentials/secrets", "", 200, []string{`#=2`, "0.client_secret~.", "1.client_secret~."}, "old=0.id"},
		{recorded, "POST", apps + "/{app}/credentials/secrets/{old}/lifecycle/deactivate", "", 200, []string{`status="INACTIVE"`, "client_secret~.", "_links.delete.href~.", "_links.activate.href~."}, ""},
		{ref, "POST", apps + "/{app}/credentials/secrets/{new}/lifecycle/deactivate", "", 400, []string{"errorCauses.0.errorSummary~only active client secret"}, ""},
		{recorded, "POST", apps + "/{app}/credentials/secrets/{old}/lifecycle/activate", "", 200, []string{`status="ACTIVE"`}, ""},
		{ref, "PUT", apps + "/{app}", appWith("", `"token_endpoint_auth_method":"private_key_jwt"`, "") + "", 400, nil, ""}, // strict: a key is needed
	}},
	{"apps: keys", []vector{
		{ref, "POST", apps, appWith(`"jwks_uri":"https://e.example/keys"`, `"token_endpoint_auth_method":"private_key_jwt"`, ""), 200,
			[]string{`credentials.oauthClient.client_secret=absent`, `_links.clientCredentials.0.name="jwks"`, `settings.oauthClient.jwks_uri="https://e.example/keys"`}, "app=id"},
		{ref, "POST", apps + "/{app}/credentials/secrets", "", 400, []string{`errorSummary="Api validation failed: OAuth2ClientSecretMediated"`,
			`errorCauses.0.errorSummary="'client_secret' cannot be used when 'token_endpoint_auth_method' is 'private_key_jwt'."`}, ""},
		{ref, "GET", apps + "/{app}/credentials/jwks", "", 200, []string{`={"keys":[]}`}, ""},
		{ref, "POST", apps + "/{app}/credentials/jwks", testKey, 201, []string{"id~^pks", `status="ACTIVE"`, `kid="k1"`}, "key=id"},
		{ref, "POST", apps + "/{app}/credentials/jwks", testKey, 400, nil, ""}, // kid is unique
		{ref, "GET", apps + "/{app}/credentials/jwks", "", 200, []string{`#keys=1`, `keys.0.kid="k1"`}, ""},
		{ref, "DELETE", apps + "/{app}/credentials/jwks/{key}", "", 400, nil, ""},
		{recorded, "POST", apps + "/{app}/credentials/jwks/{key}/lifecycle/deactivate", "", 200, []string{`status="INACTIVE"`}, ""},
		{recorded, "DELETE", apps + "/{app}/credentials/jwks/{key}", "", 204, nil, ""}, {ref, "GET", apps + "/{app}/credentials/jwks/{key}", "", 404, []string{`errorCode="E0000007"`}, ""},
		{recorded, "PUT", apps + "/{app}", appWith(`"jwks":{"keys":[`+testKey+`]}`, `"token_endpoint_auth_method":"private_key_jwt"`, ""), 200,
			[]string{"settings.oauthClient.jwks.keys.0.id~^pks", `settings.oauthClient.jwks.keys.0.use=null`, `settings.oauthClient.jwks.keys.0.kid="k1"`}, ""},
	}},
	{"apps: what is not told", []vector{
		{recorded, "POST", apps, serviceApp, 200, nil, "app=id"},
		{strict, "GET", apps + "/{app}/grants", "", 501, []string{`errorCode="E0000060"`, "errorSummary~^not emulated"}, ""},
	}},
}

// testKey is the public key of RFC 7517, appendix A.1.
const testKey = `{"kty":"RSA","kid":"k1","alg":"RS256","e":"AQAB","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"}`
