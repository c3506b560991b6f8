//! Functions: they look something up and change nothing.

use std::{fmt, marker::PhantomData};

use async_trait::async_trait;
use groundwork_contract::{
    Failure, Function, check::check, descriptor::FunctionDescriptor, shape::Shape, shape::apply_defaults,
};
use groundwork_wire::PropertyMap;

use crate::{
    cx::Cx,
    error::Result,
    state::{from_properties, to_properties},
};

/// What a function does.
pub trait Lookup: Function<Inputs: Shape + Send + Sync, Result: Shape + Send + Sync> + Sized + 'static {
    /// Looks it up.
    fn look_up(cx: &Cx, inputs: &Self::Inputs) -> impl Future<Output = Result<Self::Result>> + Send;
}

/// A function without its types.
#[async_trait]
pub trait ErasedLookup: Send + Sync {
    /// Its contract.
    fn descriptor(&self) -> &FunctionDescriptor;
    /// Every mistake in the arguments.
    fn check(&self, args: &PropertyMap) -> Vec<Failure> {
        check(&self.descriptor().inputs, args)
    }
    /// Looks it up.
    ///
    /// # Errors
    /// AWS did not answer.
    async fn invoke(&self, cx: &Cx, args: PropertyMap) -> Result<PropertyMap>;
}

/// A function behind [`ErasedLookup`].
pub struct Of<F> {
    descriptor: FunctionDescriptor,
    function: PhantomData<fn() -> F>,
}

impl<F: Lookup> Default for Of<F> {
    fn default() -> Self {
        Self {
            descriptor: FunctionDescriptor::of::<F>(),
            function: PhantomData,
        }
    }
}

impl<F> fmt::Debug for Of<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.descriptor.token)
    }
}

#[async_trait]
impl<F: Lookup> ErasedLookup for Of<F> {
    fn descriptor(&self) -> &FunctionDescriptor {
        &self.descriptor
    }

    async fn invoke(&self, cx: &Cx, mut args: PropertyMap) -> Result<PropertyMap> {
        apply_defaults(&self.descriptor.inputs, &mut args);
        let result = to_properties(&F::look_up(cx, &from_properties(&args)?).await?)?;
        Ok(self.descriptor.with_secrets(result))
    }
}
