package kubernetes

import (
	"fmt"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Access is all a client needs to reach a cluster's API.
type Access struct {
	Cluster              string `json:"cluster"`
	Server               string `json:"server"`
	CertificateAuthority string `json:"certificate_authority"`
	ClientCertificate    string `json:"client_certificate"`
	ClientKey            string `json:"client_key"`
}

// Kubeconfig renders the access as a kubeconfig file, in which the user has the name given.
func (a Access) Kubeconfig(user string) (string, error) {
	config := clientcmdapi.NewConfig()
	config.Clusters[a.Cluster] = &clientcmdapi.Cluster{
		Server:                   a.Server,
		CertificateAuthorityData: []byte(a.CertificateAuthority),
	}
	config.AuthInfos[user] = &clientcmdapi.AuthInfo{
		ClientCertificateData: []byte(a.ClientCertificate),
		ClientKeyData:         []byte(a.ClientKey),
	}
	config.Contexts[a.Cluster] = &clientcmdapi.Context{Cluster: a.Cluster, AuthInfo: user}
	config.CurrentContext = a.Cluster
	text, err := clientcmd.Write(*config)
	if err != nil {
		return "", fmt.Errorf("render kubeconfig: %w", err)
	}
	return string(text), nil
}

// restConfig is the same access for this process. The limits of client-go are
// meant for controllers that never end; a roll of a large pool would starve on them.
func (a Access) restConfig() *rest.Config {
	return &rest.Config{
		Host: a.Server,
		TLSClientConfig: rest.TLSClientConfig{
			CAData:   []byte(a.CertificateAuthority),
			CertData: []byte(a.ClientCertificate),
			KeyData:  []byte(a.ClientKey),
		},
		Timeout: requestTimeout,
		QPS:     50,
		Burst:   100,
	}
}
