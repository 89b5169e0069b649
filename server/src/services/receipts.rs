//! Receipts, signed by the node that answers with the key of its state.

use lectern_lms::receipts;
use lectern_proto::internal::v1::command::Body;
use lectern_proto::v1::{
    GetReceiptRequest, GetReceiptResponse, ListReceiptKeysRequest, ListReceiptKeysResponse, RotateReceiptKeyRequest,
    RotateReceiptKeyResponse,
};
use lectern_rpc::v1::receipt_service_server::ReceiptService;
use tonic::{Request, Response, Status};

use super::metadata::Caller;
use super::{Door, errors};

#[tonic::async_trait]
impl ReceiptService for Door {
    async fn get_receipt(&self, request: Request<GetReceiptRequest>) -> Result<Response<GetReceiptResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let facts = self.query(&caller, move |view| receipts::get_receipt(view, &request)).await?;
        let key = self.node.keys().receipt_key(&facts.key.salt);
        // A state that came from another cluster's backup; its leader is about to set a key of this one.
        if key.public().as_bytes() != facts.key.public_key {
            return Err(errors::from_failure(receipts::not_yet().into()));
        }
        let receipt = lectern_receipt::sign(&facts.cluster_id, &facts.submission, &key);
        Ok(Response::new(GetReceiptResponse { receipt }))
    }

    async fn list_receipt_keys(
        &self,
        _request: Request<ListReceiptKeysRequest>,
    ) -> Result<Response<ListReceiptKeysResponse>, Status> {
        Ok(Response::new(self.look(|store, _| receipts::list_receipt_keys(store)).await?))
    }

    async fn rotate_receipt_key(
        &self,
        request: Request<RotateReceiptKeyRequest>,
    ) -> Result<Response<RotateReceiptKeyResponse>, Status> {
        let key = self.node.new_receipt_key(&request.get_ref().reason);
        let key: Body = key.map_err(|error| errors::internal(&error.to_string()))?;
        self.write(request, None, |_| key).await
    }
}
