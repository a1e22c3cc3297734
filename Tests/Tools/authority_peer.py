"""Istio's certificate protocol by another stack: grpcio, protobuf and cryptography. Prints one JSON object.

authority_peer.py request --address HOST:PORT --roots FILE [--token TOKEN] [--impersonate ID] [--lifetime SECONDS]
                          [--key ec|rsa] [--cluster ID]...
authority_peer.py serve --listen HOST:PORT --roots-out FILE --trust-domain NAME --token TOKEN
"""
import argparse
import concurrent.futures
import datetime
import ipaddress
import json
import sys

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, struct_pb2

METHOD = "/istio.v1.auth.IstioCertificateService/CreateCertificate"


def messages():
    """The two messages, from their field numbers in istio/api security/v1alpha1/ca.proto."""
    file = descriptor_pb2.FileDescriptorProto(
        name="ca.proto", package="istio.v1.auth", syntax="proto3", dependency=["google/protobuf/struct.proto"])
    field = descriptor_pb2.FieldDescriptorProto
    request = file.message_type.add(name="IstioCertificateRequest")
    request.field.add(name="csr", number=1, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    request.field.add(name="validity_duration", number=3, type=field.TYPE_INT64, label=field.LABEL_OPTIONAL)
    request.field.add(name="metadata", number=4, type=field.TYPE_MESSAGE, label=field.LABEL_OPTIONAL,
                      type_name=".google.protobuf.Struct")
    response = file.message_type.add(name="IstioCertificateResponse")
    response.field.add(name="cert_chain", number=1, type=field.TYPE_STRING, label=field.LABEL_REPEATED)
    pool = descriptor_pool.DescriptorPool()
    struct = descriptor_pb2.FileDescriptorProto()
    struct_pb2.DESCRIPTOR.CopyToProto(struct)
    pool.Add(struct)
    pool.Add(file)
    return [message_factory.GetMessageClass(pool.FindMessageTypeByName("istio.v1.auth." + name))
            for name in ("IstioCertificateRequest", "IstioCertificateResponse")]


Request, Response = messages()


def new_key(kind):
    return ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa.generate_private_key(65537, 2048)


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def request(options):
    key = new_key(options.key)
    csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    message = Request(csr=csr.public_bytes(serialization.Encoding.PEM).decode(), validity_duration=options.lifetime)
    if options.impersonate is not None:
        message.metadata.update({"ImpersonatedIdentity": options.impersonate})
    metadata = [("clusterid", cluster) for cluster in options.cluster]
    if options.token is not None:
        metadata.append(("authorization", "Bearer " + options.token))
    roots = open(options.roots, "rb").read()
    with grpc.secure_channel(options.address, grpc.ssl_channel_credentials(roots)) as channel:
        call = channel.unary_unary(
            METHOD, request_serializer=Request.SerializeToString, response_deserializer=Response.FromString)
        try:
            reply = call(message, metadata=metadata, timeout=20)
        except grpc.RpcError as error:
            return {"code": error.code().name, "message": error.details()}
    chain = list(reply.cert_chain)
    leaf = x509.load_pem_x509_certificate(chain[0].encode())
    between = [x509.load_pem_x509_certificate(text.encode()) for text in chain[1:-1]]
    trusted = x509.load_pem_x509_certificates(chain[-1].encode())
    verifier = verification.PolicyBuilder().store(verification.Store(trusted)).build_client_verifier()
    verified = verifier.verify(leaf, between)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return {
        "code": "OK",
        "elements": len(chain),
        "path": len(verified.chain),
        "uris": names.value.get_values_for_type(x509.UniformResourceIdentifier),
        "critical": names.critical,
        "ownKey": leaf.public_key() == key.public_key(),
        "seconds": int((leaf.not_valid_after_utc - leaf.not_valid_before_utc).total_seconds()),
        "usages": sorted(usage._name for usage in leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value),
    }


class Authority:
    """A root, and what it signs for whoever has the token."""

    def __init__(self, options):
        self.token = options.token
        self.prefix = f"spiffe://{options.trust_domain}/"
        self.key = new_key("ec")
        name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "foreign authority")])
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        self.root = self.builder(name, name, self.key.public_key(), days=30).add_extension(
            x509.BasicConstraints(True, None), True).add_extension(usage, True).add_extension(
            x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), False).sign(self.key, hashes.SHA256())

    @staticmethod
    def builder(subject, issuer, public, **life):
        now = datetime.datetime.now(datetime.timezone.utc)
        return x509.CertificateBuilder(
            subject_name=subject, issuer_name=issuer, public_key=public, serial_number=x509.random_serial_number(),
            not_valid_before=now - datetime.timedelta(minutes=2), not_valid_after=now + datetime.timedelta(**life))

    def leaf(self, public, names, **life):
        usage = x509.KeyUsage(True, False, True, False, False, False, False, False, False)
        both = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        return self.builder(x509.Name([]), self.root.subject, public, **life).add_extension(
            x509.SubjectAlternativeName(names), True).add_extension(usage, True).add_extension(
            both, False).add_extension(x509.BasicConstraints(False, None), True).add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False).sign(
            self.key, hashes.SHA256())

    def create(self, message, context):
        if ("authorization", "Bearer " + self.token) not in context.invocation_metadata():
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "request authenticate failure")
        csr = x509.load_pem_x509_csr(message.csr.encode())
        if not csr.is_signature_valid:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "CSR signing error")
        wanted = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        [identity] = wanted.get_values_for_type(x509.UniformResourceIdentifier)
        if not identity.startswith(self.prefix):
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "request authenticate failure")
        leaf = self.leaf(csr.public_key(), [x509.UniformResourceIdentifier(identity)],
                         seconds=message.validity_duration or 86400)
        print(json.dumps({"issued": identity}), flush=True)
        return Response(cert_chain=[pem(leaf), pem(self.root)])


def serve(options):
    authority = Authority(options)
    host = options.listen.rsplit(":", 1)[0]
    key = new_key("ec")
    leaf = authority.leaf(key.public_key(), [x509.IPAddress(ipaddress.ip_address(host))], days=1)
    with open(options.roots_out, "w") as file:
        file.write(pem(authority.root))
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
    handler = grpc.unary_unary_rpc_method_handler(
        authority.create, request_deserializer=Request.FromString, response_serializer=Response.SerializeToString)
    service, method = METHOD[1:].split("/")
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: handler}),))
    credentials = grpc.ssl_server_credentials([(secret, pem(leaf).encode())])
    port = server.add_secure_port(options.listen, credentials)
    server.start()
    print(json.dumps({"listening": port}), flush=True)
    server.wait_for_termination()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    asking = verbs.add_parser("request")
    asking.add_argument("--address", required=True)
    asking.add_argument("--roots", required=True)
    asking.add_argument("--token")
    asking.add_argument("--impersonate")
    asking.add_argument("--lifetime", type=int, default=0)
    asking.add_argument("--key", choices=["ec", "rsa"], default="ec")
    asking.add_argument("--cluster", action="append", default=[])
    serving = verbs.add_parser("serve")
    for name in ("--listen", "--roots-out", "--trust-domain", "--token"):
        serving.add_argument(name, required=True)
    options = parser.parse_args()
    if options.verb == "serve":
        serve(options)
    else:
        json.dump(request(options), sys.stdout)


if __name__ == "__main__":
    main()
