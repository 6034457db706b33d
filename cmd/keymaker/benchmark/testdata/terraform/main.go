// Terraform speaks as much of Terraform's command line as the benchmark uses, and makes requests as its provider for Okta would, though not the same ones: it is there to try the
// measuring, and says nothing of what Terraform costs.
package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "\nError:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	for _, a := range args[1:] {
		if !strings.HasPrefix(a, "-") && a != "plan.tfplan" {
			return fmt.Errorf("too many command line arguments: %s", a)
		}
	}
	switch args[0] {
	case "version":
		fmt.Println(`{"terraform_version":"0.0.0-stand-in"}`)
		return nil
	case "init":
		if os.Getenv("STAND_IN_FAILS") == "init" {
			return fmt.Errorf("Failed to query available provider packages")
		}
		return nil
	case "plan":
		_, err := apps()
		if err == nil && slices.Contains(args, "-out=plan.tfplan") {
			err = os.WriteFile("plan.tfplan", nil, 0o600)
		}
		return err
	case "apply":
		if _, err := os.Stat("plan.tfplan"); err != nil {
			return err
		}
		return create()
	case "destroy":
		return destroy()
	}
	return fmt.Errorf("no such command: %s", args[0])
}

// count is how many apps main.tf asks for, and how their labels begin.
func count() (n int, prefix string, err error) {
	text, err := os.ReadFile("main.tf")
	if err != nil {
		return 0, "", err
	}
	number := regexp.MustCompile(`count +\= (\d+)`).FindSubmatch(text)
	label := regexp.MustCompile(`format\("([^%]+)%`).FindSubmatch(text)
	if number == nil || label == nil {
		return 0, "", fmt.Errorf("main.tf has no count and no label")
	}
	n, err = strconv.Atoi(string(number[1]))
	return n, string(label[1]), err
}

// call makes a request of the org behind OKTA_HTTP_PROXY, or of a link that it gave.
func call(method, path, body string) (*http.Response, error) {
	url := os.Getenv("OKTA_HTTP_PROXY") + path
	if strings.HasPrefix(path, "http") {
		url = path
	}
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "SSWS "+os.Getenv("OKTA_API_TOKEN"))
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err == nil && resp.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s answered %s", method, url, resp.Status)
	}
	return resp, err
}

// apps are the labels of all apps by id, two a page.
func apps() (map[string]string, error) {
	if _, err := call("GET", "/api/v1/users/me", ""); err != nil {
		return nil, err
	}
	all := make(map[string]string)
	for next := "/api/v1/apps?limit=2"; next != ""; {
		resp, err := call("GET", next, "")
		if err != nil {
			return nil, err
		}
		var page []struct{ ID, Label string }
		if err := json.NewDecoder(resp.Body).Decode(&page); err != nil {
			return nil, err
		}
		for _, app := range page {
			all[app.ID] = app.Label
		}
		next = ""
		for _, link := range resp.Header.Values("Link") {
			if m := regexp.MustCompile(`<([^>]+)>; *rel="next"`).FindStringSubmatch(link); m != nil {
				next = m[1]
			}
		}
	}
	return all, nil
}

func create() error {
	n, prefix, err := count()
	for i := 0; i < n && err == nil; i++ {
		_, err = call("POST", "/api/v1/apps", fmt.Sprintf(`{"name":"oidc_client","label":"%s%05d","signOnMode":"OPENID_CONNECT","settings":{"oauthClient":{"application_type":"service",`+
			`"grant_types":["client_credentials"],"response_types":["token"]}}}`, prefix, i))
		if os.Getenv("STAND_IN_FAILS") == "apply" {
			return fmt.Errorf("as it was told to")
		}
	}
	return err
}

func destroy() error {
	_, prefix, err := count()
	if err != nil {
		return err
	}
	all, err := apps()
	for id, label := range all {
		if !strings.HasPrefix(label, prefix) {
			continue
		}
		if _, err := call("POST", "/api/v1/apps/"+id+"/lifecycle/deactivate", ""); err != nil {
			return err
		}
		if _, err := call("DELETE", "/api/v1/apps/"+id, ""); err != nil {
			return err
		}
	}
	return err
}
