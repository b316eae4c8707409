package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

// problem is an error of which an attribute's value is the cause.
type problem struct {
	path    path.Path
	summary string
	err     error
}

func (p *problem) Error() string { return fmt.Sprintf("%s: %v", p.path, p.err) }
func (p *problem) Unwrap() error { return p.err }

// Invalid is the error for a value that is wrong, with what would be right.
func Invalid(p path.Path, format string, args ...any) error {
	return &problem{path: p, summary: "Invalid value", err: fmt.Errorf(format, args...)}
}

// At blames the value at p for an error of the API.
func At(p path.Path, err error) error {
	if err == nil {
		return nil
	}
	return &problem{path: p, err: err}
}

// Report adds err to the diagnostics as errors that say what was attempted ("create", "subnet"), in the
// API's own words, at the attribute that is to blame. Joined errors become one diagnostic each.
func Report(diags *diag.Diagnostics, verb, noun string, err error) {
	if err == nil {
		return
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // deeper ones belong to an error with words of its own
		for _, e := range joined.Unwrap() {
			Report(diags, verb, noun, e)
		}
		return
	}
	summary := fmt.Sprintf("Could not %s the %s", verb, strings.ReplaceAll(noun, "_", " "))
	var at *problem
	if !errors.As(err, &at) {
		diags.AddError(summary, explain(err))
		return
	}
	if at.summary != "" {
		summary = at.summary
	}
	diags.AddAttributeError(at.path, summary, explain(at.err))
}

// explain returns the error as sentences: what we were doing, what the API said, and what helps.
func explain(err error) string {
	fault, ok := openstack.FaultOf(err)
	if !ok {
		return sentence(err.Error())
	}
	var b strings.Builder
	if fault.Context != "" {
		b.WriteString(sentence(fault.Context) + "\n\n")
	}
	fmt.Fprintf(&b, "The API answered %d %s: %s", fault.Status, http.StatusText(fault.Status), sentence(fault.Message))
	if hint := hint(fault); hint != "" {
		b.WriteString("\n\n" + hint)
	}
	fmt.Fprintf(&b, "\n\n%s %s", fault.Method, fault.URL)
	if fault.RequestID != "" {
		fmt.Fprintf(&b, " (request %s)", fault.RequestID)
	}
	return b.String()
}

// hint tells what helps against faults whose own words do not.
func hint(fault openstack.Fault) string {
	switch {
	case fault.OverQuota():
		return "Free something or ask the cloud's operator for a larger quota; applying again then continues."
	case fault.Status == http.StatusForbidden:
		return "The credentials are valid but lack the role for this. Octavia, Barbican and Swift want roles of their own " +
			"(load-balancer_member, creator); a restricted application credential may not create credentials."
	}
	return ""
}

func sentence(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return s
	}
	s = strings.ToUpper(s[:1]) + s[1:]
	if strings.ContainsAny(s[len(s)-1:], ".!?:") {
		return s
	}
	return s + "."
}

// warnings collects what handlers want to tell without failing.
type warnings struct {
	mu    sync.Mutex
	diags diag.Diagnostics
}

type warningsKey struct{}

// withWarnings returns a context in which [Warn] adds to the returned collection.
func withWarnings(ctx context.Context) (context.Context, *warnings) {
	w := &warnings{}
	return context.WithValue(ctx, warningsKey{}, w), w
}

func (w *warnings) all() diag.Diagnostics {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.diags
}

// Warn shows the user a warning with the result of the call that ctx belongs to.
func Warn(ctx context.Context, summary, detail string) {
	w, ok := ctx.Value(warningsKey{}).(*warnings)
	if !ok {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.diags.AddWarning(summary, detail)
}

// Exists is the error for an object whose unique name another one has already. It names the command that
// brings that one under Terraform's care, for adopting it silently could destroy somebody else's later.
func Exists(typ string, name path.Path, id string) error {
	return &problem{path: name, summary: "Already exists", err: fmt.Errorf(
		"a %s %q exists already and was not made by this resource. Choose another name, or import it:\n\n"+
			"  terraform import 'massif_%s.NAME' '%s'\n\nwhere NAME is the name of the resource in the configuration",
		strings.ReplaceAll(typ, "_", " "), id, typ, id)}
}
