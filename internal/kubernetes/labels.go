package kubernetes

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// ValidateLabel checks a node's label. Kubelets may not set most labels of
// Kubernetes' own name spaces, and a node that tries never registers.
func ValidateLabel(key, value string) error {
	if problems := validation.IsQualifiedName(key); len(problems) > 0 {
		return fmt.Errorf("label %q: %s", key, strings.Join(problems, "; "))
	}
	if problems := validation.IsValidLabelValue(value); len(problems) > 0 {
		return fmt.Errorf("label %s: value %q: %s", key, value, strings.Join(problems, "; "))
	}
	prefix, _, found := strings.Cut(key, "/")
	if found && reserved(prefix) && !slices.Contains([]string{"topology.kubernetes.io/region", "topology.kubernetes.io/zone"}, key) {
		return fmt.Errorf("label %s: nodes may not set labels of %s themselves; choose another prefix", key, prefix)
	}
	return nil
}

func reserved(prefix string) bool {
	for _, allowed := range []string{"node.kubernetes.io", "kubelet.kubernetes.io"} {
		if prefix == allowed || strings.HasSuffix(prefix, "."+allowed) {
			return false
		}
	}
	for _, domain := range []string{"kubernetes.io", "k8s.io"} {
		if prefix == domain || strings.HasSuffix(prefix, "."+domain) {
			return true
		}
	}
	return false
}

// ParseTaint reads key=value:Effect or key:Effect.
func ParseTaint(text string) (corev1.Taint, error) {
	head, effect, found := strings.Cut(text, ":")
	effects := []corev1.TaintEffect{corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectNoExecute}
	if !found || !slices.Contains(effects, corev1.TaintEffect(effect)) {
		return corev1.Taint{}, fmt.Errorf("taint %q: write key=value:Effect, where Effect is NoSchedule, PreferNoSchedule or NoExecute", text)
	}
	key, value, _ := strings.Cut(head, "=")
	if problems := validation.IsQualifiedName(key); len(problems) > 0 {
		return corev1.Taint{}, fmt.Errorf("taint %q: %s", text, strings.Join(problems, "; "))
	}
	if problems := validation.IsValidLabelValue(value); len(problems) > 0 {
		return corev1.Taint{}, fmt.Errorf("taint %q: value %q: %s", text, value, strings.Join(problems, "; "))
	}
	return corev1.Taint{Key: key, Value: value, Effect: corev1.TaintEffect(effect)}, nil
}
