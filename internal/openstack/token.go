package openstack

import (
	"context"
	"fmt"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
)

// Token is a token of its own, beside the one that the session works with.
type Token struct {
	ID        string
	ExpiresAt time.Time
	ProjectID string // "" when it is for no project
	UserID    string
	Roles     []string
	Endpoints map[string]string // of the region and interface of the session: service type -> URL
}

// tokenDetails is what a token's answer says.
type tokenDetails struct {
	ExpiresAt time.Time             `json:"expires_at"`
	Project   *tokens.Project       `json:"project"`
	User      tokens.User           `json:"user"`
	Roles     []tokens.Role         `json:"roles"`
	Catalog   []tokens.CatalogEntry `json:"catalog"`
	// Application is the application credential that the token came from.
	Application *struct {
		Restricted bool `json:"restricted"`
	} `json:"application_credential"`
}

func (d *tokenDetails) roleNames() []string {
	names := make([]string, 0, len(d.Roles))
	for _, role := range d.Roles {
		names = append(names, role.Name)
	}
	return names
}

// IssueToken authenticates once more, with the credentials of the session.
func (c *Cloud) IssueToken(ctx context.Context) (Token, error) {
	client, err := c.Identity()
	if err != nil {
		return Token{}, err
	}
	auth := c.session.config.Auth
	result := tokens.Create(ctx, client, &auth)
	id, err := result.ExtractTokenID()
	if err != nil {
		return Token{}, fmt.Errorf("issue a token: %w", err)
	}
	var details tokenDetails
	if err := result.ExtractInto(&details); err != nil {
		return Token{}, fmt.Errorf("read the token: %w", err)
	}
	token := Token{ID: id, ExpiresAt: details.ExpiresAt, UserID: details.User.ID, Roles: details.roleNames(), Endpoints: map[string]string{}}
	if details.Project != nil {
		token.ProjectID = details.Project.ID
	}
	for _, entry := range details.Catalog {
		for _, e := range entry.Endpoints {
			if e.Interface == string(c.session.config.EndpointType) && inRegion(e, c.region) {
				token.Endpoints[entry.Type] = e.URL
			}
		}
	}
	for kind, url := range c.session.config.EndpointOverrides {
		token.Endpoints[kind] = url
	}
	return token, nil
}

// RevokeToken ends a token.
func (c *Cloud) RevokeToken(ctx context.Context, id string) error {
	client, err := c.Identity()
	if err != nil {
		return err
	}
	if err := tokens.Revoke(ctx, client, id).Err; err != nil {
		return fmt.Errorf("revoke the token: %w", err)
	}
	return nil
}

// Credential is what the session's own credentials may do about others.
type Credential struct {
	// Application is whether they are an application credential.
	Application bool
	// Restricted is whether they are an application credential that may not make other credentials.
	Restricted bool
	// Roles are the names of the roles that they give in the project.
	Roles []string
}

// Credential tells about the session's own credentials, as of its first token.
func (c *Cloud) Credential() (Credential, error) {
	result, ok := c.session.provider.GetAuthResult().(interface{ ExtractInto(any) error })
	if !ok {
		return Credential{}, nil // a token that says nothing about itself
	}
	var details tokenDetails
	if err := result.ExtractInto(&details); err != nil {
		return Credential{}, fmt.Errorf("read the token: %w", err)
	}
	return Credential{
		Application: details.Application != nil,
		Restricted:  details.Application != nil && details.Application.Restricted,
		Roles:       details.roleNames(),
	}, nil
}

// TryApplicationCredential is nil when an application credential with this id and secret lets in.
func (c *Cloud) TryApplicationCredential(ctx context.Context, id, secret string) error {
	client, err := c.Identity()
	if err != nil {
		return err
	}
	auth := gophercloud.AuthOptions{IdentityEndpoint: c.AuthURL(), ApplicationCredentialID: id, ApplicationCredentialSecret: secret}
	token, err := tokens.Create(ctx, client, &auth).ExtractTokenID()
	if err != nil {
		return fmt.Errorf("authenticate with application credential %s: %w", id, err)
	}
	if err := c.RevokeToken(ctx, token); err != nil && !NotFound(err) { // Keystone cannot revoke a token with access rules
		return err
	}
	return nil
}

// AsApplication opens a session of its own with an application credential. In all else it is like this one.
func (c *Cloud) AsApplication(ctx context.Context, id, secret string) (*Cloud, error) {
	config := c.session.config
	config.Region = c.region
	config.Auth = gophercloud.AuthOptions{IdentityEndpoint: c.AuthURL(), ApplicationCredentialID: id, ApplicationCredentialSecret: secret}
	return Open(ctx, config)
}
